// SPDX-License-Identifier: GPL-2.0-or-later
// Errors as values: what went wrong, and what the user can do about it.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace xfrm_xdp {

struct Error {
    std::string cause;  // a sentence without its full stop
    std::string remedy; // the same; may be empty
    int code = 0;       // errno where one was the cause
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }
    T &operator*() & { return *std::get_if<0>(&state_); }
    const T &operator*() const & { return *std::get_if<0>(&state_); }
    T &&operator*() && { return std::move(*std::get_if<0>(&state_)); }
    T *operator->() { return std::get_if<0>(&state_); }
    const T *operator->() const { return std::get_if<0>(&state_); }
    const Error &error() const { return *std::get_if<1>(&state_); }
    T value_or(T other) const { return *this ? **this : std::move(other); }

private:
    std::variant<T, Error> state_;
};

struct Done {};

// The result of what returns nothing.
using Status = Result<Done>;

// "CAUSE: text of errno", with the errno kept.
Error errno_error(int code, std::string cause, std::string remedy = {});

} // namespace xfrm_xdp
