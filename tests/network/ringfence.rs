//! The real program on the host in the middle.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::lab::{Host, Lab};

/// Where everybody speaks SIP.
pub(crate) const SIP: u16 = 5060;

/// The running program; it ends with this.
pub(crate) struct Ringfence<'l> {
    host: &'l Host,
    child: Child,
    admin: String,
    _dir: TempDir,
}

impl<'l> Ringfence<'l> {
    /// Starts it with the trunk `caller`, and a trunk whose targets are the first and the second host; `more` stands in that
    /// trunk.
    pub(crate) fn start(lab: &'l Lab, transport: &str, more: &str) -> Ringfence<'l> {
        let dir = tempfile::tempdir().expect("a folder");
        let [first, second] = [&lab.first, &lab.second].map(|host| host.address(SIP));
        let config = format!(
            r#"
[sip]
listen = ["udp:0.0.0.0:{SIP}", "tcp:0.0.0.0:{SIP}"]
workers = 2
[admin]
listen = "127.0.0.1:0"
[state]
dir = "state"
[[trunk]]
name = "caller"
from = ["{}"]
[[trunk]]
name = "callees"
from = ["{}", "{}"]
to = ["sip:{first};transport={transport}", "sip:{second};transport={transport}"]
{more}
[[route]]
name = "all"
trunks = ["caller"]
to = "callees"
"#,
            lab.caller.ip, lab.first.ip, lab.second.ip
        );
        let path = dir.path().join("ringfence.toml");
        std::fs::write(&path, config).expect("a config");
        let mut command = lab.proxy.command(env!("CARGO_BIN_EXE_ringfence"));
        let mut child = command.arg("--config").arg(path).stdout(Stdio::piped()).spawn().expect("the program");
        let mut ready = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a line");
        let (_, admin) = ready.trim().split_once(" admin ").unwrap_or_else(|| panic!("it does not start: {ready}"));
        Ringfence { host: &lab.proxy, child, admin: admin.to_owned(), _dir: dir }
    }

    /// What the admin port gives.
    pub(crate) fn get(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.admin);
        self.host.does(|| ureq::get(&url).call().expect("an answer").body_mut().read_to_string().expect("a text"))
    }
}

impl Drop for Ringfence<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
