// SPDX-License-Identifier: GPL-2.0-or-later
#include "app.hpp"
#include "embedded.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>

int main(int argc, char **argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    int status;

    // Whoever reads what is printed may have had enough: that ends us, and needs no words.
    std::signal(SIGPIPE, SIG_DFL);
    try {
        status = xfrm_xdp::run(arguments, embedded_object(), std::cout, std::cerr);
    } catch (const std::exception &error) {
        status = xfrm_xdp::report_failure(error.what(), arguments, std::cout, std::cerr);
    }
    if (std::cout.flush())
        return status;
    std::cerr << "xfrm-xdp: cannot write to standard output.\n";
    return EXIT_FAILURE;
}
