// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach.hpp"

#include "attach_output.hpp"
#include "netns.hpp"
#include "status_json.hpp"

#include <fmt/format.h>

namespace xfrm_xdp {

Output attach_output(const std::vector<AttachedNow> &attached)
{
    Output output;

    output.json["attached"] = nlohmann::ordered_json::array();
    for (const auto &device : attached) {
        output.json["attached"].push_back({{"device", device.device},
                                           {"mode", mode_name(device.mode)},
                                           {"already", device.already},
                                           {"sends", device.sends},
                                           {"changes", changes_json(device.changes)},
                                           {"notes", device.notes}});
        output.text += fmt::format("{}: {}, {} XDP{}\n", device.device,
                                   device.already ? "was already attached" : "attached",
                                   mode_name(device.mode),
                                   device.sends ? ""
                                                : "; takes no XDP frames from other devices, see "
                                                  "'xfrm-xdp doctor'");
        for (const auto &note : device.notes)
            output.text += fmt::format("  {}\n", note);
        output.text += render_changes(device.device, device.changes, "  ");
    }
    return output;
}

Result<Output> run_attach(const Options &options, Image object)
{
    if (auto status = check_rights(); !status)
        return status.error();
    auto netns = current_netns();
    if (!netns)
        return netns.error();

    auto attached = attach_devices(*netns, options.devices, options.attach, object);
    if (!attached)
        return attached.error();
    return attach_output(*attached);
}

} // namespace xfrm_xdp
