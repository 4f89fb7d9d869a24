use super::*;
use crate::app::told;

/// What is logged meanwhile.
fn logged(work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

/// Presents from the list "default", which is none to present from in [`CONFIG`].
const PRESENTS: &str = "[[route]]\nname = \"out\"\nto = \"carrier\"\npresent = { pool = \"default\", exclude = [] }\n";

#[test]
fn an_edit_that_does_not_fit_a_new_config_is_logged_and_its_removal_is_told() {
    let running = Running::new();
    running.edit(put("default", "486001*")).unwrap();
    running.write("ringfence.toml", &format!("{CONFIG}{PRESENTS}"));
    let log = logged(|| {
        let Err(ReloadFailure::Invalid(problems)) = running.reload() else { panic!("the reload must fail") };
        let detail = &problems[0].detail;
        assert!(detail.ends_with("not 486001*; remove it: DELETE /v1/lists/default/entries/486001*"), "{detail}");
    });
    assert!(log.contains("reload failed") && log.contains("DELETE /v1/lists/default/entries/ENTRY"), "{log}");
    assert!(!log.contains("486001"), "{log}");
    let path = running.path("ringfence.toml");
    running.live.edits.stop();
    let error = Daemon::start(Runtime::new().unwrap(), &path).err().unwrap().to_string();
    assert!(error.contains("DELETE /v1/lists/default/entries/ENTRY") && !error.contains("486001"), "{error}");
}

#[test]
fn no_entry_of_a_list_or_rule_reaches_the_log() {
    let running = Running::new();
    for (config, list) in [
        (format!("{CONFIG}{PRESENTS}"), "48600100200*\n"),
        (CONFIG.replace("lists = [\"default\"]", "callers = [\"48600100200x\"]"), "1234567\n"),
        (CONFIG.replace("file = \"default.csv\"", "entries = 48600100200"), ""),
        (CONFIG.replace("file = \"default.csv\"", "48600100200 = 1"), ""),
        (CONFIG.replace("file = \"default.csv\"", "entries = [\"48600100200x\"]"), ""),
        (CONFIG.to_owned(), "48600100200x\n"),
        (CONFIG.replace("\"personal\"", "\"pool\""), "48600100200*\n"),
        (format!("[numbers]\nnever_block = [\"48600100200\"]\n{CONFIG}"), "number\n"),
    ] {
        running.write("ringfence.toml", &config);
        running.write("default.csv", list);
        let log = logged(|| drop(running.reload()));
        assert!(log.contains("ringfence.toml:") || log.contains("default.csv:"), "{config}{log}");
        assert!(!log.contains("00100200"), "{config}{log}");
    }
}

#[test]
fn what_is_told_of_a_list_s_files_goes_to_the_log_without_numbers() {
    let rows = crate::lists::read_list(
        &b"48221000001x\n"[..],
        &crate::lists::FileOptions::default(),
        1,
        &|_: &crate::lists::Entry| false,
        &crate::lists::Progress::default(),
    );
    let error = config::BaseError::File { path: Path::new("l.csv").into(), error: rows.unwrap_err() };
    let notice = config::SourceNotice::Fallback(error);
    assert!(notice.to_string().contains("48221000001"));
    assert_eq!(told::source(&notice), "l.csv: 1 rows are wrong; the last good snapshot is in force");
}
