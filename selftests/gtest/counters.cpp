// SPDX-License-Identifier: GPL-2.0-or-later
#include "counters.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>

namespace xfrm_xdp::test
{

Result<Counters> read_counter_file(const std::string &path)
{
	std::ifstream file(path);
	if (!file)
		return errno_error(errno, path, "load the module xfrm_xdp");
	Counters counters;
	std::string line;
	while (std::getline(file, line)) {
		std::istringstream words(line);
		std::string name;
		std::int64_t value = 0;
		if (!(words >> name >> value))
			return Error{path + " has a line that is not NAME VALUE: " + line, {}, EPROTO};
		counters[name] = value;
	}
	return counters;
}

Result<Counters> read_kernel_mib()
{
	return read_counter_file("/proc/net/xfrm_stat");
}

Result<Counters> read_module_counters()
{
	return read_counter_file("/proc/net/xfrm_xdp_stat");
}

Counters difference(const Counters &before, const Counters &after)
{
	Counters changed;
	for (const auto &[name, value] : after) {
		const auto old = before.find(name);
		const std::int64_t delta = value - (old == before.end() ? 0 : old->second);
		if (delta)
			changed[name] = delta;
	}
	return changed;
}

std::string reason_name(std::uint32_t reason)
{
	static const char *const names[] = {
#define XFRM_XDP_TEST_NAME(id, name, text) name,
		XFRM_XDP_REASONS(XFRM_XDP_TEST_NAME)
#undef XFRM_XDP_TEST_NAME
	};
	return reason < std::size(names) ? names[reason] : "reason " + std::to_string(reason);
}

} // namespace xfrm_xdp::test
