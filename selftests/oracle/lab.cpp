// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab.hpp"

#include <sched.h>

#include <cerrno>
#include <functional>

#include "netns.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr packet::Mac mac_a{{2, 0, 0, 0, 0x0a, 2}};
constexpr packet::Mac mac_gw1{{2, 0, 0, 0, 0x0a, 1}};
constexpr packet::Mac mac_b{{2, 0, 0, 0, 0x0b, 2}};
constexpr packet::Mac mac_gw2{{2, 0, 0, 0, 0x0b, 1}};

Address v4(const char *text)
{
    return *packet::Ipv4Address::parse(text);
}

Address v6(const char *text)
{
    return *packet::Ipv6Address::parse(text);
}

Status enter(const std::string &name)
{
    const auto netns = open_netns(name);
    if (!netns)
        return netns.error();
    if (setns(netns->get(), CLONE_NEWNET))
        return errno_error(errno, "setns " + name);
    return Done{};
}

// Many things are opened, each of which may fail in its own way.
template <class T>
class Maybe {
public:
    explicit Maybe(Error &error) : error_(error) {}
    Maybe &operator=(Result<T> result)
    {
        if (result)
            value_.emplace(*std::move(result));
        else
            error_ = result.error();
        return *this;
    }
    T take() { return *std::move(value_); }

private:
    std::optional<T> value_;
    Error &error_;
};

Result<Keys> open_keys()
{
    auto states = SaTable::open();
    if (!states)
        return states.error();
    auto policies = PolicyTable::open();
    if (!policies)
        return policies.error();
    return Keys{*std::move(states), *std::move(policies)};
}

} // namespace

const Places &places(Family family)
{
    static const Places four{v4("192.0.2.1"), v4("192.0.2.2"), v4("198.51.100.66"),
                             v4("203.0.113.66"), v4("203.0.113.2")};
    static const Places six{v6("2001:db8:f::1"), v6("2001:db8:f::2"), v6("2001:db8:a::66"),
                            v6("2001:db8:b::66"), v6("2001:db8:b::2")};
    return family == Family::v4 ? four : six;
}

packet::Ethernet towards_gw1()
{
    return {mac_gw1, mac_a, std::nullopt};
}

packet::Ethernet towards_gw2()
{
    return {mac_gw2, mac_b, std::nullopt};
}

Status Keys::flush()
{
    if (const Status done = policies.flush(); !done)
        return done.error();
    return states.flush();
}

struct Lab::Parts {
    CounterFile gw1_mib, gw2_mib, hb_mib, module;
    Tap ha, g1, g2, hb_lan;
    Switch fast_path;
};

Lab::Lab(Keys one, Keys two, Keys three, Parts parts)
    : gw1(std::move(one)), gw2(std::move(two)), hb(std::move(three)),
      gw1_mib(std::move(parts.gw1_mib)), gw2_mib(std::move(parts.gw2_mib)),
      hb_mib(std::move(parts.hb_mib)), module(std::move(parts.module)), ha(std::move(parts.ha)),
      g1(std::move(parts.g1)), g2(std::move(parts.g2)), hb_lan(std::move(parts.hb_lan)),
      fast_path(std::move(parts.fast_path))
{
}

Result<std::unique_ptr<Lab>> Lab::open(const std::string &prefix)
{
    Error error;
    Maybe<Keys> gw1(error), gw2(error), hb(error);
    Maybe<CounterFile> gw1_mib(error), gw2_mib(error), hb_mib(error), module(error);
    Maybe<Tap> ha(error), g1(error), g2(error), hb_lan(error);
    Maybe<Switch> fast_path(error);
    Maybe<Done> check(error);
    const char *mib = "/proc/thread-self/net/xfrm_stat";

    const auto in = [&](const char *name, const std::function<void()> &action) {
        if (!error.cause.empty())
            return;
        if (const Status entered = enter(prefix + "-" + name); entered)
            action();
        else
            error = entered.error();
    };
    in("ha", [&] { ha = Tap::open("eth0"); });
    in("wire", [&] {
        g1 = Tap::open("g1");
        g2 = Tap::open("g2");
    });
    in("gw2", [&] {
        gw2 = open_keys();
        gw2_mib = CounterFile::open(mib);
    });
    in("hb", [&] {
        hb = open_keys();
        hb_mib = CounterFile::open(mib);
        hb_lan = Tap::open("eth0");
    });
    in("gw1", [&] {
        gw1 = open_keys();
        gw1_mib = CounterFile::open(mib);
        module = CounterFile::open("/proc/thread-self/net/xfrm_xdp_stat");
        fast_path = Switch::open();
    });
    Switch both = error.cause.empty() ? fast_path.take() : Switch::none();
    in("wire", [&] { check = both.keep_fast(); });
    in("ha", [&] { check = both.keep_slow(); });
    if (!error.cause.empty())
        return error;
    Parts parts{gw1_mib.take(), gw2_mib.take(), hb_mib.take(), module.take(),   ha.take(),
                g1.take(),      g2.take(),      hb_lan.take(), std::move(both)};
    return std::unique_ptr<Lab>(new Lab(gw1.take(), gw2.take(), hb.take(), std::move(parts)));
}

} // namespace xfrm_xdp::oracle
