//! Chromium without a window, spoken to through a pair of pipes: a page as people open, read and use it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser with a profile of its own and one page.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    calls: u64,
    session: Option<String>,
    /// What scripts threw and what the policy refused, since a page was opened.
    problems: Vec<String>,
    /// The page has been loaded.
    is_loaded: bool,
    _profile: TempDir,
}

impl Browser {
    /// None where none is installed, which is said past the test's capture.
    pub fn find() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        if !std::env::split_paths(&path).any(|folder| folder.join("chromium").exists()) {
            let _ = writeln!(std::io::stderr(), "skipped: there is no chromium here (Debian: chromium)");
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        // Its pipes are the descriptors 3 and 4, which a shell makes of the usual ones. Without a sandbox, because the tests may
        // be root's; the pages are ours.
        let chromium = "exec chromium --headless --hide-scrollbars --no-sandbox --disable-gpu --no-first-run --disable-quic \
                        --disable-background-networking --disable-dev-shm-usage --remote-debugging-pipe \
                        --user-data-dir=\"$1\" 3<&0 4>&1 0</dev/null 1>&2";
        let mut child = Command::new("sh")
            .args(["-c", chromium, "sh"])
            .arg(profile.path())
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Self {
            child,
            input,
            output,
            calls: 0,
            session: None,
            problems: Vec::new(),
            is_loaded: false,
            _profile: profile,
        };
        let page = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let page = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &page);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for part in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{part}.enable"), &json!({}));
        }
        browser.has_size(1280, 900);
        Some(browser)
    }

    /// Opens a file. What follows the name, such as `#q=lab`, is for the page.
    #[track_caller]
    pub fn open(&mut self, path: &Path, fragment: &str) {
        self.visit(&format!("file://{}{fragment}", path.display()));
    }

    /// Opens what is served at an address.
    #[track_caller]
    pub fn visit(&mut self, url: &str) {
        self.visit_unchecked(url);
        self.has_no_problems();
    }

    fn visit_unchecked(&mut self, url: &str) {
        // From elsewhere, because another fragment alone opens nothing.
        for url in ["about:blank", url] {
            self.is_loaded = false;
            self.problems.clear();
            self.call("Page.navigate", &json!({ "url": url }));
            while !self.is_loaded {
                self.receive();
            }
        }
    }

    /// The same for a page that is served with a status that says that something is wrong.
    pub fn visit_any(&mut self, url: &str) {
        self.visit_unchecked(url);
        self.problems.retain(|problem| !problem.contains("Failed to load resource"));
        self.has_no_problems();
    }

    /// Clicks on the first link that begins with a text.
    #[track_caller]
    pub fn follow(&mut self, text: &str) {
        self.is_loaded = false;
        let text = Value::from(text);
        let link = format!(
            "[...document.querySelectorAll('a')].find(link => link.textContent.trim().startsWith({text}))"
        );
        self.eval(&format!("{link}.click()"));
        while !self.is_loaded {
            self.receive();
        }
        self.has_no_problems();
    }

    /// No script has thrown anything, and the policy has refused nothing.
    #[track_caller]
    pub fn has_no_problems(&self) {
        assert!(self.problems.is_empty(), "{:#?}", self.problems);
    }

    /// What an expression gives, once it is there.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer:#}");
        answer["result"].get("value").cloned().unwrap_or_default()
    }

    #[track_caller]
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.eval(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression}: {value}")).to_owned()
    }

    /// Presses keys: `Tab`, `Space`, `Escape`, or types what is none of them.
    pub fn press(&mut self, keys: &[&str]) {
        for key in keys {
            let (name, code, text) = match *key {
                "Tab" => ("Tab", 9, ""),
                "Escape" => ("Escape", 27, ""),
                "Space" => (" ", 32, " "),
                "Enter" => ("Enter", 13, "\r"),
                text => {
                    self.call("Input.insertText", &json!({ "text": text }));
                    continue;
                }
            };
            for kind in ["keyDown", "keyUp"] {
                let text = if kind == "keyDown" { text } else { "" };
                let pressed =
                    json!({ "type": kind, "key": name, "windowsVirtualKeyCode": code, "text": text });
                self.call("Input.dispatchKeyEvent", &pressed);
            }
        }
    }

    pub fn has_size(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    pub fn is_dark(&mut self, is_dark: bool) {
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &media);
    }

    pub fn runs_no_scripts(&mut self) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        self.input.write_all(format!("{call}\0").as_bytes()).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == self.calls {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    /// One message of the browser; what it says by itself is kept in mind.
    fn receive(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.output.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        match message["method"].as_str() {
            Some("Page.loadEventFired") => self.is_loaded = true,
            Some("Runtime.exceptionThrown" | "Log.entryAdded") => {
                self.problems.push(message["params"].to_string());
            }
            _ => {}
        }
        message
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
