// SPDX-License-Identifier: GPL-2.0-or-later
#include "remembered.hpp"

#include "bpf.hpp"

#include <bpf/bpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <map>

namespace xfrm_xdp {

namespace {

Result<Remembered> read_element(const Fd &map, std::uint32_t key)
{
    Remembered element;

    if (::bpf_map_lookup_elem(map.get(), &key, &element) < 0)
        return errno_error(errno, "cannot read what a device was before it was attached");
    return element;
}

Status write_element(const Fd &map, std::uint32_t key, const Remembered &element)
{
    if (::bpf_map_update_elem(map.get(), &key, &element, 0) < 0)
        return errno_error(errno, "cannot keep what a device was before it was attached",
                           "run as root");
    return Done{};
}

// Today's device, if it is still there.
std::optional<Link> find_remembered(const Remembered &element, Namespaces &namespaces)
{
    std::optional<Link> found;

    namespaces.within(element.netns, [&] {
        if (auto links = list_links())
            if (const Link *link = find_link(*links, element.ifindex))
                found = *link;
    });
    return found;
}

std::optional<DeviceState> state_of(const Remembered &element, Namespaces &namespaces)
{
    std::optional<DeviceState> state;

    if (auto link = find_remembered(element, namespaces))
        namespaces.within(element.netns, [&] { state = read_device_state(*link); });
    return state;
}

bool same_device(const Remembered &one, const Remembered &other)
{
    return one.netns == other.netns && one.ifindex == other.ifindex;
}

// Another device that is attached changes @element's device, too: then that one's detach restores
// it. False where there is none.
bool hand_on(const PinDirectory &directory, const std::string &pin, const Remembered &element,
             const FeatureBits &wanted)
{
    for (const auto &name : directory.list()) {
        if (name == pin || device_of_pin(pin_kind_before, name).empty())
            continue;
        auto others = recall(directory, name);
        for (std::uint32_t i = 0; i < others.size(); i++) {
            auto &other = others[i];
            if (!same_device(element, other))
                continue;
            auto map = open_pin(directory.file(name));
            for (unsigned bit = 0; bit < FeatureBits::count; bit++)
                if (wanted.test(bit) != element.after.wanted.test(bit))
                    other.before.wanted.set(bit, wanted.test(bit));
            return map && write_element(*map, i, other);
        }
    }
    return false;
}

} // namespace

Status remember(const PinDirectory &directory, const std::string &device,
                const std::vector<Related> &related, Namespaces &namespaces, Undo &undo)
{
    Fd map(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "before", sizeof(std::uint32_t), sizeof(Remembered),
                            static_cast<std::uint32_t>(related.size()), nullptr));
    if (!map)
        return errno_error(errno, "cannot make a map for what devices were before", "run as root");

    for (std::uint32_t i = 0; i < related.size(); i++) {
        Remembered element{
            related[i].netns, related[i].link.index, related[i].relation, 0, 0, {}, {}};
        if (auto state = state_of(element, namespaces))
            element.before = *state;
        if (auto status = write_element(map, i, element); !status)
            return status;
    }

    auto pin = pin_name(pin_kind_before, device);
    if (::bpf_obj_pin(map.get(), directory.file(pin).c_str()) < 0)
        return errno_error(errno, fmt::format("cannot pin {}", directory.file(pin)), "run as root");
    undo.add([directory, pin] {
        Namespaces found;
        (void)!!restore(plan_restore(directory, pin, found), found);
        (void)!!directory.remove(pin);
    });
    return Done{};
}

Status note_attached(const PinDirectory &directory, const std::string &device,
                     Namespaces &namespaces)
{
    auto pin = pin_name(pin_kind_before, device);
    auto map = open_pin(directory.file(pin));
    if (!map)
        return map.error();

    auto elements = recall(directory, pin);
    for (std::uint32_t i = 0; i < elements.size(); i++) {
        auto state = state_of(elements[i], namespaces);
        if (!state)
            continue;
        elements[i].after = *state;
        elements[i].noted = 1;
        if (auto status = write_element(*map, i, elements[i]); !status)
            return status;
    }
    return Done{};
}

std::vector<Remembered> recall(const PinDirectory &directory, const std::string &pin)
{
    std::vector<Remembered> elements;

    if (pin.empty())
        return elements;
    auto map = open_pin(directory.file(pin));
    if (!map)
        return elements;
    auto info = map_info(*map);
    if (!info || info->value_size != sizeof(Remembered))
        return elements;
    for (std::uint32_t i = 0; i < info->max_entries; i++)
        if (auto element = read_element(*map, i))
            elements.push_back(*element);
    return elements;
}

std::vector<DeviceChanges> list_changes(const PinDirectory &directory, const std::string &pin,
                                        Namespaces &namespaces)
{
    std::vector<DeviceChanges> all;

    for (const auto &element : recall(directory, pin)) {
        auto link = find_remembered(element, namespaces);
        if (!link)
            continue;
        DeviceChanges found{element.relation, link->name, namespaces.where(element.netns), {}};
        namespaces.within(element.netns, [&] {
            auto now = read_device_state(*link);
            found.changes = changes_in_force(element.before, element.noted ? element.after : now,
                                             now, feature_names(link->name));
        });
        if (!found.changes.empty())
            all.push_back(std::move(found));
    }
    return all;
}

std::string render_changes(const std::string &device, const std::vector<DeviceChanges> &changed,
                           const std::string &indent)
{
    std::string out;

    for (const auto &other : changed) {
        std::string what = other.relation == Relation::self ? "it" : other.device;
        if (other.relation == Relation::peer)
            what += ", the other end of a veth";
        if (other.relation == Relation::below)
            what += ", which is below it";
        if (!other.where.empty())
            what += fmt::format(", in network namespace '{}'", other.where);
        out +=
            fmt::format("{}attaching {} changed {}, until it is detached:\n", indent, device, what);

        std::map<std::string, std::vector<std::string>> features; // by how they changed
        for (const auto &change : other.changes)
            if (change.what == "max_mtu")
                out += fmt::format("{}  its MTU can be {} at most, was {}\n", indent, change.now,
                                   change.before);
            else
                features[fmt::format("{}, was {}", change.now, change.before)].push_back(
                    change.what);
        for (const auto &[how, names] : features)
            out += fmt::format("{}  {}: {}\n", indent, how, fmt::join(names, ", "));
    }
    return out;
}

std::vector<ToRestore> plan_restore(const PinDirectory &directory, const std::string &pin,
                                    Namespaces &namespaces)
{
    std::vector<ToRestore> plan;

    for (auto &element : recall(directory, pin)) {
        auto now = state_of(element, namespaces);
        if (!now)
            continue;
        if (!element.noted)
            element.after = *now;
        auto wanted = wanted_without(element.before, element.after, *now);
        if (wanted != now->wanted && !hand_on(directory, pin, element, wanted))
            plan.push_back({element.netns, element.ifindex, wanted});
    }
    return plan;
}

Status restore(const std::vector<ToRestore> &plan, Namespaces &namespaces)
{
    Status status{Done{}};

    for (const auto &device : plan)
        namespaces.within(device.netns, [&] {
            auto links = list_links();
            const Link *link = links ? find_link(*links, device.ifindex) : nullptr;
            if (link)
                if (auto done = want_features(link->name, device.wanted); !done)
                    status = done;
        });
    return status;
}

} // namespace xfrm_xdp
