#include "agent/announcer.h"

#include <algorithm>

#include "agent/keys/announcement.h"
#include "agent/kube/watcher.h"

namespace pellicle {

namespace {

// A hundred nodes write in a second, however many there are; the last one within a minute.
std::chrono::milliseconds spread(size_t peers) {
  using namespace std::chrono_literals;
  return std::min<std::chrono::milliseconds>(peers * 10ms, 60s);
}

}  // namespace

Announcer::Announcer(boost::asio::io_context& context, ApiClient& client, const Settings& settings,
                     const Store& store, const Core& core, More more)
    : node_name_(settings.node_name),
      host_encryption_(settings.host_encryption),
      store_(store),
      core_(core),
      more_(std::move(more)),
      publisher_(context, client, node_name_, random_seed(),
                 {.on_trouble = [this](const std::string& trouble) { trouble_ = trouble; },
                  .on_healthy = [this] { trouble_.clear(); }}) {}

void Announcer::announce(const std::optional<SequenceUse>& use) {
  const auto& last = core_.last();
  const auto present = store_.annotations();
  const bool complete = last.ready && !last.desired.state.datapath_config.empty();
  // Peers must hear that an address is gone or another, whatever this node can still do.
  if (!complete && !present.contains(std::string(kInternalIpsAnnotation))) return;
  auto all = addresses(present);
  if (complete) all.merge(wanted(present, use));
  if (all.empty()) return;
  publisher_.publish(std::move(all), present, spread(last.desired.cluster.peers.size()));
}

Annotations Announcer::addresses(const Annotations& present) const {
  const auto self = store_.node(node_name_);
  return self ? published_addresses(*self, store_.internal_ips(), present) : Annotations{};
}

Annotations Announcer::wanted(const Annotations& present,
                              const std::optional<SequenceUse>& use) const {
  const auto& last = core_.last();
  const PassResult pass{last.inputs, last.desired.cluster, last.desired.state, last.refusals};
  auto wanted = published(last.desired.state.datapath_config.begin()->second.networks(),
                          announced_key(pass), host_encryption_);
  wanted.merge(published(last.inputs.sender, received_epochs(pass), present));
  const std::string used(kSequenceUsedAnnotation);
  if (use && (use->percent > 0 || present.contains(used))) wanted[used] = use->text();
  if (more_) more_(present, wanted);
  return wanted;
}

std::vector<Problem> Announcer::problems() const {
  if (trouble_.empty()) return {};
  return {{"Node " + node_name_, "metadata.annotations", trouble_}};
}

}  // namespace pellicle
