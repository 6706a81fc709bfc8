//! The `quotakeeper` binary; all of it is in the library.

fn main() -> std::process::ExitCode {
    quotakeeper::main()
}
