#include "agent/kernel/netfilter.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

std::string operation(const NetfilterChain::Key& key) {
  return "write netfilter chain " + key.chain + " in table " + key.table + ": ";
}

}  // namespace

void Netfilter::look() {
  usable_.clear();
  for (NetfilterBackend* backend : std::initializer_list<NetfilterBackend*>{&legacy_, &nftables_})
    if (backend->look()) usable_.push_back(backend);
  const auto& weight = legacy_.weight();
  const auto& other = nftables_.weight();
  if (weight.kubernetes == other.kubernetes && weight.ours == other.ours && weight.rules > 0) {
    for (NetfilterBackend* backend : usable_) backend->count_rules();
  }
  std::stable_sort(usable_.begin(), usable_.end(),
                   [](const auto* a, const auto* b) { return a->weight() > b->weight(); });
}

void Netfilter::dump(KernelState& into) {
  look();  // without either back end there are no chains of Pellicle's; apply() reports the lack
  for (const NetfilterBackend* backend : usable_) {
    for (const auto& [key, chain] : backend->chains()) {
      const auto [there, only_here] = into.netfilter.emplace(key, chain);
      if (backend != usable_.front()) there->second.parent.clear();
    }
  }
}

std::vector<Problem> Netfilter::problems() const {
  std::vector<Problem> problems;
  for (const NetfilterBackend* backend : usable_) {
    for (const auto& rule : backend->refusing()) {
      problems.push_back({"Firewall", "filter FORWARD",
                          "the rule `" + rule +
                              "` refuses all that no rule ahead of it accepts, before "
                              "PELLICLE_FORWARD is asked, so pods reach nobody beyond this node; "
                              "expected that rule to be deleted, or ahead of it one that accepts "
                              "what is from and for pods"});
    }
  }
  return problems;
}

void Netfilter::apply(const Change<NetfilterChain>& change) {
  if (usable_.empty()) look();
  if (change.action != Action::remove) return write(change.key, change.value);
  for (NetfilterBackend* backend : usable_) remove(*backend, change.key);
}

std::vector<Outcome> Netfilter::apply(std::span<const Change<NetfilterChain>> run) {
  if (usable_.empty()) look();
  std::vector<Outcome> outcomes(run.size());
  std::set<Family> written;
  for (const Family family : kFamilies) {
    if (write_together(run, family)) written.insert(family);
  }
  for (size_t i = 0; i < run.size(); ++i) {
    if (run[i].action != Action::remove && written.contains(run[i].key.family)) continue;
    try {
      apply(run[i]);
    } catch (const OsError& error) {
      outcomes[i] = {error.error(), error.what()};
    }
  }
  return outcomes;
}

// Returns false when the caller must write each change separately; some may be written already.
bool Netfilter::write_together(std::span<const Change<NetfilterChain>> run, Family family) {
  std::vector<const Change<NetfilterChain>*> changes;
  for (const auto& change : run) {
    if (change.action != Action::remove && change.key.family == family) changes.push_back(&change);
  }
  const bool elsewhere = std::any_of(usable_.begin(), usable_.end(), [&](const auto* backend) {
    return backend != usable_.front() &&
           std::any_of(changes.begin(), changes.end(),
                       [&](const auto* change) { return backend->chains().contains(change->key); });
  });
  if (changes.size() < 2 || elsewhere) return false;
  for (NetfilterBackend* backend : usable_) {
    const Outcome outcome = backend->write_together(changes);
    if (outcome.ok()) {
      prefer(*backend);
      return true;
    }
    if (outcome.error != EOPNOTSUPP) return false;
  }
  return false;
}

void Netfilter::prefer(const NetfilterBackend& backend) {
  std::stable_partition(usable_.begin(), usable_.end(),
                        [&](const auto* usable) { return usable == &backend; });
}

void Netfilter::write(const NetfilterChain::Key& key, const NetfilterChain& wanted) {
  std::string refusals = "this kernel has no nf_tables, and iptables-legacy-save is not found";
  for (NetfilterBackend* backend : usable_) {
    const Outcome outcome = backend->write(key, wanted);
    if (outcome.ok()) {
      prefer(*backend);
      for (auto* other : usable_)
        if (other != backend) remove(*other, key);
      return;
    }
    refusals = std::string(backend->name()) + ": " + outcome.sentence;
    if (outcome.error != EOPNOTSUPP) throw OsError(EINVAL, operation(key) + refusals);
  }
  throw OsError(ENOENT, operation(key) + refusals);
}

void Netfilter::remove(NetfilterBackend& backend, const NetfilterChain::Key& key) {
  const Outcome outcome = backend.remove(key);
  if (!outcome.ok()) {
    throw OsError(EINVAL, operation(key) + backend.name() + ": " + outcome.sentence);
  }
}

}  // namespace pellicle
