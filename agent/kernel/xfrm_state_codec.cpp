#include "agent/kernel/xfrm_state_codec.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "agent/kernel/xfrm_wire.h"

namespace pellicle {

namespace {

constexpr size_t kStateRoom = 2048;   // bytes; fits the longest keys and the largest replay window
constexpr uint32_t kWindowWord = 32;  // packets in one word of the replay bitmap
// A larger window needs XFRMA_REPLAY_ESN_VAL, with or without ESN.
constexpr uint32_t kLargestSmallWindow = 32;

// The kernel's default truncation lengths (net/xfrm/xfrm_algo.c, 6.1), in bits.
struct DefaultTruncation {
  const char* name;
  uint32_t bits;
};
constexpr std::array kDefaultTruncations = {
    DefaultTruncation{"hmac(md5)", 96},     DefaultTruncation{"hmac(sha1)", 96},
    DefaultTruncation{"hmac(sha256)", 96},  DefaultTruncation{"hmac(sha384)", 192},
    DefaultTruncation{"hmac(sha512)", 256}, DefaultTruncation{"hmac(rmd160)", 96},
    DefaultTruncation{"xcbc(aes)", 96},     DefaultTruncation{"cmac(aes)", 96}};

bool is_default_truncation(const std::string& name, uint32_t bits) {
  for (const auto& known : kDefaultTruncations) {
    if (name == known.name) return bits == known.bits;
  }
  return false;
}

// Head is xfrm_algo, xfrm_algo_auth or xfrm_algo_aead: a fixed part that starts with the name and
// the key's length in bits. The key follows it.
template <class Head>
void put_algorithm(NetlinkMessage& message, int attribute, Head head, const std::string& name,
                   const SecretBytes& key) {
  name.copy(head.alg_name, sizeof head.alg_name - 1);
  head.alg_key_len = static_cast<uint32_t>(key.size() * 8);
  std::array<uint8_t, 512> bytes{};
  const size_t room = bytes.size() - sizeof head;
  const size_t size = std::min(key.size(), room);
  std::memcpy(bytes.data(), &head, sizeof head);
  if (size) std::memcpy(bytes.data() + sizeof head, key.data(), size);
  message.put_bytes(attribute, bytes.data(), sizeof head + size);
  explicit_bzero(bytes.data(), bytes.size());
}

template <class Head>
std::optional<SecretBytes> key_behind(const Attributes& attributes, int attribute,
                                      const Head& head) {
  const auto bytes = attributes.bytes(attribute);
  const size_t size = (head.alg_key_len + 7) / 8;
  if (bytes.size() < sizeof(Head) + size) return std::nullopt;
  const auto* start = bytes.data() + sizeof(Head);
  return SecretBytes(std::vector<uint8_t>(start, start + size));
}

template <class Head>
std::string name_of(const Head& head) {
  return {head.alg_name, strnlen(head.alg_name, sizeof head.alg_name)};
}

void put_algorithms(NetlinkMessage& message, const Algorithm& algorithm) {
  if (const auto* aead = std::get_if<Aead>(&algorithm)) {
    xfrm_algo_aead head{};
    head.alg_icv_len = aead->icv_bits;
    put_algorithm(message, XFRMA_ALG_AEAD, head, aead->name, aead->key);
    return;
  }
  const auto& pair = std::get<AuthEnc>(algorithm);
  if (pair.truncation_bits == 0) {
    put_algorithm(message, XFRMA_ALG_AUTH, xfrm_algo{}, pair.auth_name, pair.auth_key);
  } else {
    xfrm_algo_auth head{};
    head.alg_trunc_len = pair.truncation_bits;
    put_algorithm(message, XFRMA_ALG_AUTH_TRUNC, head, pair.auth_name, pair.auth_key);
  }
  put_algorithm(message, XFRMA_ALG_CRYPT, xfrm_algo{}, pair.enc_name, pair.enc_key);
}

std::optional<Algorithm> decode_aead(const Attributes& attributes) {
  xfrm_algo_aead head;
  if (!attributes.read(XFRMA_ALG_AEAD, head)) return std::nullopt;
  auto key = key_behind(attributes, XFRMA_ALG_AEAD, head);
  if (!key) return std::nullopt;
  return Aead{name_of(head), std::move(*key), head.alg_icv_len};
}

std::optional<Algorithm> decode_auth_enc(const Attributes& attributes) {
  xfrm_algo enc;
  if (!attributes.read(XFRMA_ALG_CRYPT, enc)) return std::nullopt;
  auto enc_key = key_behind(attributes, XFRMA_ALG_CRYPT, enc);
  AuthEnc pair;
  std::optional<SecretBytes> auth_key;
  // A dump has both forms; XFRMA_ALG_AUTH_TRUNC also has the truncation.
  xfrm_algo_auth auth;
  xfrm_algo plain;
  if (attributes.read(XFRMA_ALG_AUTH_TRUNC, auth)) {
    auth_key = key_behind(attributes, XFRMA_ALG_AUTH_TRUNC, auth);
    pair.auth_name = name_of(auth);
    if (!is_default_truncation(pair.auth_name, auth.alg_trunc_len)) {
      pair.truncation_bits = auth.alg_trunc_len;
    }
  } else if (attributes.read(XFRMA_ALG_AUTH, plain)) {
    auth_key = key_behind(attributes, XFRMA_ALG_AUTH, plain);
    pair.auth_name = name_of(plain);
  }
  if (!enc_key || !auth_key) return std::nullopt;
  pair.auth_key = std::move(*auth_key);
  pair.enc_name = name_of(enc);
  pair.enc_key = std::move(*enc_key);
  return pair;
}

void put_replay(NetlinkMessage& message, const State& value, uint64_t sent) {
  if (!value.esn && value.replay_window <= kLargestSmallWindow) {
    xfrm_replay_state replay{};
    replay.oseq = static_cast<uint32_t>(std::min<uint64_t>(sent, UINT32_MAX));
    message.put(XFRMA_REPLAY_VAL, replay);
    return;
  }
  xfrm_replay_state_esn head{};
  head.bmp_len = (value.replay_window + kWindowWord - 1) / kWindowWord;
  head.replay_window = value.replay_window;
  head.oseq = static_cast<uint32_t>(value.esn ? sent : std::min<uint64_t>(sent, UINT32_MAX));
  head.oseq_hi = value.esn ? static_cast<uint32_t>(sent >> 32) : 0;
  std::vector<uint8_t> bytes(sizeof head + head.bmp_len * sizeof(uint32_t));
  std::memcpy(bytes.data(), &head, sizeof head);
  message.put_bytes(XFRMA_REPLAY_ESN_VAL, bytes.data(), bytes.size());
}

xfrm_usersa_id id_of(const State::Key& key) {
  xfrm_usersa_id id{};
  id.daddr = to_wire(key.dst);
  id.spi = htonl(key.spi);
  id.family = static_cast<uint16_t>(address_family(key.dst.family()));
  id.proto = IPPROTO_ESP;
  return id;
}

NetlinkMessage id_message(int type, const State::Key& key) {
  NetlinkMessage message(type, 0);
  message.header(id_of(key));
  message.put(XFRMA_MARK, to_wire(key.mark));
  return message;
}

NetlinkMessage state_message(int type, const State::Key& key, const State& value, uint64_t sent) {
  NetlinkMessage message(type, 0, kStateRoom);
  xfrm_usersa_info info{};
  info.id = {to_wire(key.dst), htonl(key.spi), IPPROTO_ESP};
  info.saddr = to_wire(value.src);
  info.lft = unlimited();
  info.reqid = value.reqid;
  info.family = static_cast<uint16_t>(address_family(key.dst.family()));
  info.mode = XFRM_MODE_TUNNEL;
  if (value.esn) info.flags = XFRM_STATE_ESN;
  // XFRMA_REPLAY_ESN_VAL contains the window; with it, the kernel expects 0 in this field (6.1).
  if (!value.esn && value.replay_window <= kLargestSmallWindow) {
    info.replay_window = static_cast<uint8_t>(value.replay_window);
  }
  message.header(info);
  put_algorithms(message, value.algorithm);
  message.put(XFRMA_MARK, to_wire(key.mark));
  if (value.output_mark.mask) {
    message.put(XFRMA_SET_MARK, value.output_mark.value);
    message.put(XFRMA_SET_MARK_MASK, value.output_mark.mask);
  }
  put_replay(message, value, sent);
  return message;
}

}  // namespace

NetlinkMessage state_dump() {
  // Without the header that a GETSA for one state has: in a dump the kernel (6.1) would parse it as
  // an attribute.
  return NetlinkMessage(XFRM_MSG_GETSA, 0);
}

std::optional<XfrmState> decode_state(const nlmsghdr& message) {
  const auto info = header_of<xfrm_usersa_info>(message);
  if (message.nlmsg_type != XFRM_MSG_NEWSA || !info) return std::nullopt;
  const auto family = family_of(info->family);
  if (!family || info->id.proto != IPPROTO_ESP || info->mode != XFRM_MODE_TUNNEL) {
    return std::nullopt;
  }
  const Attributes attributes(message, sizeof(xfrm_usersa_info));
  auto algorithm = decode_aead(attributes);
  if (!algorithm) algorithm = decode_auth_enc(attributes);
  if (!algorithm) return std::nullopt;

  XfrmState state;
  state.key = {from_wire(info->id.daddr, *family), ntohl(info->id.spi),
               from_wire(attributes.value<xfrm_mark>(XFRMA_MARK).value_or(xfrm_mark{}))};
  auto& value = state.value;
  value.src = from_wire(info->saddr, *family);
  value.reqid = info->reqid;
  value.output_mark = {attributes.value<uint32_t>(XFRMA_SET_MARK).value_or(0),
                       attributes.value<uint32_t>(XFRMA_SET_MARK_MASK).value_or(0)};
  value.algorithm = std::move(*algorithm);
  state.packets = info->curlft.packets;
  value.esn = info->flags & XFRM_STATE_ESN;
  value.replay_window = info->replay_window;
  xfrm_replay_state_esn replay;
  if (attributes.read(XFRMA_REPLAY_ESN_VAL, replay)) {
    value.replay_window = replay.replay_window;
    state.sent = uint64_t{replay.oseq_hi} << 32 | replay.oseq;
  } else if (const auto small = attributes.value<xfrm_replay_state>(XFRMA_REPLAY_VAL)) {
    state.sent = small->oseq;
  }
  return state;
}

bool is_placeholder(const nlmsghdr& message, const State::Key& key, uint32_t reqid) {
  const auto info = header_of<xfrm_usersa_info>(message);
  if (message.nlmsg_type != XFRM_MSG_NEWSA || !info || info->id.proto != IPPROTO_ESP) return false;
  const Attributes attributes(message, sizeof(xfrm_usersa_info));
  for (const int algorithm :
       {XFRMA_ALG_AEAD, XFRMA_ALG_CRYPT, XFRMA_ALG_AUTH, XFRMA_ALG_AUTH_TRUNC}) {
    if (attributes.has(algorithm)) return false;
  }
  const auto mark = attributes.value<xfrm_mark>(XFRMA_MARK).value_or(xfrm_mark{});
  return info->reqid == reqid && from_wire(mark) == key.mark;
}

NetlinkMessage encode_new_state(const State::Key& key, const State& value, uint64_t sent) {
  return state_message(XFRM_MSG_NEWSA, key, value, sent);
}

NetlinkMessage encode_state_over_placeholder(const State::Key& key, const State& value,
                                             uint64_t sent) {
  return state_message(XFRM_MSG_UPDSA, key, value, sent);
}

NetlinkMessage encode_get_state(const State::Key& key) {
  return id_message(XFRM_MSG_GETSA, key);
}

NetlinkMessage encode_delete_state(const State::Key& key) {
  return id_message(XFRM_MSG_DELSA, key);
}

}  // namespace pellicle
