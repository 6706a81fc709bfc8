//! exim4 in the foreground, with a configuration of the test's: it takes mail for `ann` and `bob`, speaks STARTTLS and wants a
//! login, and delivers into files. Only root may start it, and it runs as its own user, without root's rights.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::aiosmtpd::LOGIN;
use crate::certificates::CERTIFICATES;

const PROGRAM: &str = "/usr/sbin/exim4";
pub(crate) struct Exim {
    process: Child,
    folder: TempDir,
    user: User,
    pub port: u16,
}

#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Exim {
    /// None, and said, where there is no exim4. `size` is the largest message that it takes.
    pub(crate) fn start(size: usize) -> Option<Self> {
        let Some(user) = own_user().filter(|_| Path::new(PROGRAM).exists()) else {
            eprintln!("skipped: there is no {PROGRAM} (Debian: exim4-daemon-light)");
            return None;
        };
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            eprintln!("skipped: only root may start exim4");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| folder.path().join(name);
        for (from, name) in [(&CERTIFICATES.good.chain, "certificate"), (&CERTIFICATES.good.key, "key")] {
            std::fs::copy(from, path(name)).unwrap();
        }
        std::fs::create_dir(path("mail")).unwrap();
        std::fs::write(path("exim.conf"), configuration(folder.path(), port, size)).unwrap();
        for name in ["", "certificate", "key", "mail", "exim.conf"] {
            chown(path(name), Some(user.uid), Some(user.gid)).unwrap();
        }
        let mut process = exim(folder.path(), user, &["-bdf"]).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "exim4 ended: {}", log(folder.path()));
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { process, folder, user, port })
    }

    /// Delivers what it has taken, and reads what lies in somebody's mailbox then.
    pub(crate) fn mailbox(&self, user: &str) -> Vec<Vec<u8>> {
        let output = exim(self.folder.path(), self.user, &["-qf"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let folder = self.folder.path().join("mail").join(user).join("new");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
    }

    pub(crate) fn log(&self) -> String {
        log(self.folder.path())
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn own_user() -> Option<User> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut fields = users.lines().find(|line| line.starts_with("Debian-exim:"))?.split(':').skip(2);
    let mut number = || fields.next()?.parse().ok();
    Some(User { uid: number()?, gid: number()? })
}

fn exim(folder: &Path, user: User, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("-C").arg(folder.join("exim.conf")).args(arguments).stdin(Stdio::null());
    command.uid(user.uid).gid(user.gid);
    command
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log.main")).unwrap_or_default()
}

fn configuration(folder: &Path, port: u16, size: usize) -> String {
    let folder = folder.display();
    let [user, password] = LOGIN;
    format!(
        "\
primary_hostname = mail.example.com
domainlist local_domains = example.com
spool_directory = {folder}/spool
log_file_path = {folder}/log.%s
pid_file_path = {folder}/pid
local_interfaces = <; 127.0.0.1
daemon_smtp_ports = {port}
queue_only
deliver_drop_privilege
never_users =
message_size_limit = {size}
host_lookup =
keep_environment =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = {folder}/certificate
tls_privatekey = {folder}/key
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
mail:
  deny !encrypted = *
       message = use TLS
  deny !authenticated = *
       message = log in first
  accept
rcpt:
  require message = relay not permitted
          domains = +local_domains
  require verify = recipient
  accept
data:
  deny condition = ${{if > {{$max_received_linelength}}{{998}}}}
       message = a line is longer than 998 octets
  require verify = header_syntax
  accept

begin routers
local:
  driver = accept
  local_parts = ann : bob
  transport = files
  cannot_route_message = Unknown user

begin transports
files:
  driver = appendfile
  directory = {folder}/mail/$local_part_data
  maildir_format
  create_directory

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"
    )
}
