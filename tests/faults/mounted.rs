//! A file system that only the test and its daemon see: it goes with the process that holds it.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Mounts in a namespace of their own.
pub(crate) struct Mounted {
    holder: Child,
    at: PathBuf,
    as_root: bool,
}

impl Mounted {
    /// A tmpfs of this many bytes at a new folder; `None`: the system does not let us.
    pub(crate) fn tmpfs(at: &Path, bytes: u64) -> Option<Mounted> {
        std::fs::create_dir(at).expect("a new folder");
        let mount = format!("mount -t tmpfs -o size={bytes},mode=700 tmpfs \"$0\" && echo mounted && read -r _");
        // Whoever is not root becomes one in a user namespace, where such exist.
        [true, false].into_iter().find_map(|as_root| {
            let mut command = Command::new("unshare");
            command.args(if as_root { &["--mount"][..] } else { &["--mount", "--map-root-user"] });
            command.args(["sh", "-c", &mount]).arg(at);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut holder = command.spawn().ok()?;
            let mut line = String::new();
            let _ = BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut line);
            let mounted = Mounted { holder, at: at.into(), as_root };
            (line == "mounted\n").then_some(mounted)
        })
    }

    /// The command where the mounts can be seen; its process id stays that of what is run.
    pub(crate) fn inside(&self, command: Command) -> Command {
        let mut entered = Command::new("nsenter");
        entered.arg("--mount").arg(format!("--target={}", self.holder.id()));
        if !self.as_root {
            entered.args(["--user", "--preserve-credentials"]);
        }
        entered.arg("--").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => entered.env(name, value),
                None => entered.env_remove(name),
            };
        }
        entered
    }

    /// Runs `mount` with these arguments.
    pub(crate) fn mount(&self, arguments: &[&str]) {
        let mut command = Command::new("mount");
        command.args(arguments).arg(&self.at);
        let status = self.inside(command).status().expect("mount can be run");
        assert!(status.success(), "mount {arguments:?}: {status}");
    }

    /// Takes the topmost mount away.
    pub(crate) fn unmount(&self) {
        let mut command = Command::new("umount");
        command.arg(&self.at);
        let status = self.inside(command).status().expect("umount can be run");
        assert!(status.success(), "umount: {status}");
    }

    /// Where a file of the mount lies for those outside.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.at.strip_prefix("/").expect("an absolute path")).join(name)
    }

    /// Fills it up but for about this many bytes.
    pub(crate) fn fill(&self, but_for: u64) {
        let mut file = std::fs::File::create(self.path(FILLER)).expect("a new file");
        let block = [0; 4096];
        let mut written = 0;
        loop {
            match file.write(&block) {
                Ok(bytes) => written += bytes as u64,
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
        file.set_len(written.saturating_sub(but_for)).expect("a file can be cut");
    }

    /// Takes away what fills it.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.path(FILLER)).expect("it was filled");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

const FILLER: &str = "filler";
