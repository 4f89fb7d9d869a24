//! A real `ringfence` that asks a DNS server of the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::dns::DnsServer;

/// The running program; it ends with this.
pub(crate) struct Daemon {
    dir: TempDir,
    child: Child,
    dns: SocketAddr,
    pub(crate) udp: SocketAddr,
    admin: SocketAddr,
}

impl Daemon {
    /// Starts with these trunks and rules, on ports that the system chooses.
    pub(crate) fn start(dns: &DnsServer, rules: &str) -> Daemon {
        let dir = tempfile::tempdir().expect("a directory");
        write_config(&dir, dns.address, rules);
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .arg("--config")
            .arg(config(&dir))
            .env("RINGFENCE_LOG", "debug")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut ready).expect("a line");
        let words: Vec<&str> = ready.split_whitespace().collect();
        let address = |word: &str| {
            let at = words.iter().position(|it| *it == word).unwrap_or_else(|| panic!("it does not start: {ready}"));
            words[at + 1].parse().expect("an address")
        };
        let (udp, admin) = (address("udp"), address("admin"));
        Daemon { dir, child, dns: dns.address, udp, admin }
    }

    /// Has these trunks and rules instead from now on.
    pub(crate) fn reload(&self, rules: &str) {
        write_config(&self.dir, self.dns, rules);
        let answer = self.ask("POST /v1/reload");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path}"))
    }

    fn ask(&self, what: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).expect("the admin port");
        let request = format!("{what} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(dir: &TempDir) -> PathBuf {
    dir.path().join("ringfence.toml")
}

fn write_config(dir: &TempDir, dns: SocketAddr, rules: &str) {
    let text = format!(
        "[sip]\nlisten = [\"udp:127.0.0.1:0\", \"tcp:127.0.0.1:0\"]\nworkers = 2\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [dns]\nservers = [\"{dns}\"]\ntimeout = \"2s\"\n[state]\ndir = \"state\"\n{rules}"
    );
    std::fs::write(config(dir), text).expect("a config");
}
