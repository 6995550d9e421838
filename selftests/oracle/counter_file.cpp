// SPDX-License-Identifier: GPL-2.0-or-later
#include "counter_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace xfrm_xdp::oracle {

Result<CounterFile> CounterFile::open(const char *path)
{
    Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
    if (!fd)
        return errno_error(errno, path, "load the module xfrm_xdp");
    return CounterFile(std::move(fd));
}

test::CounterText CounterFile::read() const
{
    test::CounterText text;
    char buffer[8192];
    for (;;) {
        const ssize_t size =
            pread(fd_.get(), buffer, sizeof(buffer), static_cast<off_t>(text.size()));
        if (size <= 0)
            return text;
        text.append(buffer, static_cast<std::size_t>(size));
    }
}

} // namespace xfrm_xdp::oracle
