// SPDX-License-Identifier: GPL-2.0-or-later
#include "files.hpp"

#include "fd.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xfrm_xdp {

namespace {

// A user's PATH often lacks the sbin directories, where modprobe is.
const char *const search_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

int drain(int fd, std::string &into)
{
    char buffer[4096];

    for (;;) {
        ssize_t length = ::read(fd, buffer, sizeof(buffer));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return errno;
        if (length == 0)
            return 0;
        into.append(buffer, static_cast<std::size_t>(length));
    }
}

class FileActions {
public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    FileActions(const FileActions &) = delete;
    FileActions &operator=(const FileActions &) = delete;
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    posix_spawn_file_actions_t *get() { return &actions_; }

private:
    posix_spawn_file_actions_t actions_;
};

} // namespace

Result<std::string> read_file(const std::string &path)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd)
        return errno_error(errno, fmt::format("cannot open {}", path));

    std::string text;
    if (int code = drain(fd.get(), text))
        return errno_error(code, fmt::format("cannot read {}", path));
    return text;
}

std::string trimmed(std::string text)
{
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    return text;
}

bool exists(const std::string &path)
{
    return ::access(path.c_str(), F_OK) == 0;
}

Result<Ran> run_program(const std::vector<std::string> &argv)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        return errno_error(errno, "cannot make a pipe");
    Fd reader(ends[0]);
    Fd writer(ends[1]);

    FileActions actions;
    ::posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(actions.get(), writer.get(), 1);
    ::posix_spawn_file_actions_adddup2(actions.get(), writer.get(), 2);

    std::vector<char *> args;
    for (const auto &arg : argv)
        args.push_back(const_cast<char *>(arg.c_str()));
    args.push_back(nullptr);
    char *const environment[] = {const_cast<char *>(search_path), nullptr};

    pid_t child = 0;
    // posix_spawnp() searches our PATH, not the child's.
    int code = ENOENT;
    for (const char *directory : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
        auto path = directory + argv.front();
        code =
            ::posix_spawn(&child, path.c_str(), actions.get(), nullptr, args.data(), environment);
        if (code != ENOENT)
            break;
    }
    if (code)
        return errno_error(code, fmt::format("cannot run {}", argv.front()));
    writer = Fd();

    Ran ran;
    drain(reader.get(), ran.output);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ran;
}

} // namespace xfrm_xdp
