//! A Prometheus that reads the binary, with the files of `config/prometheus`.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ringfence::{Process, Ringfence, Scene};

/// It reads and evaluates every second.
pub(crate) struct Prometheus {
    process: Process,
    url: String,
}

impl Prometheus {
    /// Starts it and waits until it answers.
    pub(crate) fn start(scene: &Scene, ringfence: &Ringfence<'_>) -> Prometheus {
        let sample = fs::read_to_string(file("prometheus/prometheus.yml")).expect("the config of ours");
        let (place, admin) = ("127.0.0.1:8060", ringfence.admin.to_string());
        assert!(sample.contains(place) && sample.contains("15s"), "{sample}");
        scene.write("prometheus.yml", &sample.replace(place, &admin).replace("15s", "1s"));
        let rules = fs::read_to_string(file("prometheus/ringfence.rules.yml")).expect("the rules of ours");
        scene.write("ringfence.rules.yml", &rules);
        let address = free_address();
        let log = File::create(scene.dir().join("prometheus.log")).expect("the folder can be written");
        let mut command = Command::new("prometheus");
        command.arg("--config.file=prometheus.yml").arg("--storage.tsdb.path=prometheus");
        command.arg(format!("--web.listen-address={address}")).current_dir(scene.dir());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let process = Process::of(child.expect("prometheus runs (Debian package prometheus; tests/run installs it)"));
        let mut prometheus = Prometheus { process, url: format!("http://{address}") };
        prometheus.until("it answers", |it| it.get("/-/ready", &[]).is_some().then_some(()));
        prometheus
    }

    /// The values of an expression, with the labels of each.
    #[track_caller]
    pub(crate) fn values(&self, expression: &str) -> Vec<(Value, f64)> {
        let answer = self.get("/api/v1/query", &[("query", expression)]);
        let answer: Value =
            serde_json::from_str(&answer.unwrap_or_else(|| panic!("it refuses {expression}"))).expect("JSON");
        let result = answer["data"]["result"].as_array().expect("a vector");
        let value = |sample: &Value| sample["value"][1].as_str().and_then(|value| value.parse().ok()).expect("a value");
        result.iter().map(|sample| (sample["metric"].clone(), value(sample))).collect()
    }

    /// What it answers to a question without parameters.
    #[track_caller]
    pub(crate) fn data(&self, path: &str) -> Value {
        let answer = self.get(path, &[]).unwrap_or_else(|| panic!("it refuses {path}"));
        serde_json::from_str::<Value>(&answer).expect("JSON")["data"].take()
    }

    /// Asks again and again until there is an answer.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, what: &str, asked: impl Fn(&Prometheus) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = asked(self) {
                return answer;
            }
            let ended = self.process.wait(Duration::from_millis(50));
            assert!(ended.is_none() && Instant::now() < deadline, "not in time: {what} ({ended:?})");
        }
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<String> {
        let request = ureq::get(format!("{}{path}", self.url)).query_pairs(query.iter().copied());
        request.call().ok()?.body_mut().read_to_string().ok()
    }
}

/// A file of the folder `config`.
pub(crate) fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// It starts in a second and needs two readings for a rate; this is for machines that do something else as well.
const PATIENCE: Duration = Duration::from_secs(60);
