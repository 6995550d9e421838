// SPDX-License-Identifier: GPL-2.0-or-later
#include "app.hpp"
#include "embedded.hpp"

#include <cstdlib>
#include <exception>
#include <iostream>

int main(int argc, char **argv)
{
    try {
        return xfrm_xdp::run({argv + 1, argv + argc}, embedded_object(), std::cout, std::cerr);
    } catch (const std::exception &error) {
        std::cerr << "xfrm-xdp: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
