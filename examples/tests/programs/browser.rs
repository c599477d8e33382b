//! The page of the web example in Chromium: reloads, restarts, and lines that come all the while.

use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{DurableStream, client};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::running::{LIMIT, Running, start};
use crate::web::web;

/// Chromium of the system, as a test needs it: without a window, without asking anybody for anything.
const CHROMIUM: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=720,480",
];

/// ChromeDriver, and a browser by it. The browser has to be closed; dropping this ends the driver alone.
async fn browser() -> (Running, Client) {
    let mut driver = start("chromedriver", &["--port=0"]);
    // Not taken: it is still written to.
    let lines = BufReader::new(driver.0.stdout.as_mut().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        Some(port.trim_end_matches('.').to_owned())
    });
    let url = format!("http://127.0.0.1:{}", port.expect("it did not start"));
    let options = json!({ "args": CHROMIUM });
    let capabilities = [("goog:chromeOptions".to_owned(), options)];
    let browser = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities.into_iter().collect())
        .connect(&url)
        .await
        .unwrap();
    (driver, browser)
}

/// The page, and what is said on its stream.
struct World {
    page: Client,
    lines: DurableStream,
    /// Lines are added before they are sent, so the page shows a beginning of these at any time.
    said: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    async fn text(&self, selector: &str) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map(found => found.textContent)";
        let found = self.page.execute(script, vec![json!(selector)]).await;
        serde_json::from_value(found.unwrap()).unwrap()
    }

    async fn until_shown(&self, count: usize) {
        loop {
            let shown = self.text("#lines li").await;
            assert!(self.said().starts_with(&shown), "{shown:?}");
            if shown.len() >= count {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page shows what is said after this.
    async fn goes_on(&self) {
        self.until_shown(self.said().len() + 1).await;
    }

    /// Waits until the page says that there will be no more, and looks at all of it.
    async fn is_complete(&self) {
        while self.text("#state").await != ["the stream is closed"] {
            sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.text("#lines li").await, self.said());
    }

    /// Says a line on the page, and waits until it is there.
    async fn say(&self, line: &str) {
        let field = self.page.find(Locator::Css("input")).await.unwrap();
        field.send_keys(line).await.unwrap();
        self.said.lock().unwrap().push(line.to_owned());
        let button = self.page.find(Locator::Css("button")).await.unwrap();
        button.click().await.unwrap();
        self.until_shown(self.said().len()).await;
    }

    /// Says lines from elsewhere until told to stop, each once, whatever becomes of the server.
    fn chatter(&self, mut stop: oneshot::Receiver<()>) -> JoinHandle<()> {
        let (lines, said) = (self.lines.clone(), Arc::clone(&self.said));
        tokio::spawn(async move {
            let writer = lines.writer("chatter").start();
            for number in 0.. {
                if stop.try_recv() != Err(TryRecvError::Empty) {
                    return;
                }
                let line = format!("line <{number}>");
                said.lock().unwrap().push(line.clone());
                writer.append_json(&line).await.unwrap();
                writer.flush().await.unwrap();
                // A page that is full of lines takes long to look at.
                sleep(Duration::from_millis(20)).await;
            }
        })
    }
}

async fn story(page: Client) {
    let server = Server::start(Default::default()).await.unwrap();
    let root = format!("{}/v1/stream", server.url());
    let (program, address) = web(&root, "127.0.0.1:0");
    let lines = client(&root).unwrap().build().unwrap().stream("lines");
    let lines = lines.with_content_type("application/json");
    let world = World {
        page: page.clone(),
        lines: lines.clone(),
        said: Arc::default(),
    };

    page.goto(&format!("http://{address}/")).await.unwrap();
    for line in [
        "Every page that is open sees this line.",
        "Reload it: the lines are there, each of them once.",
        "Restart the server: it goes on where it was.",
    ] {
        world.say(line).await;
    }
    if let Some(file) = std::env::var_os("WEB_SCREENSHOT") {
        std::fs::write(file, page.screenshot().await.unwrap()).unwrap();
    }

    let (stop, stopped) = oneshot::channel();
    let chatter = world.chatter(stopped);
    world.goes_on().await;
    page.refresh().await.unwrap();
    world.goes_on().await;
    server.restart().await.unwrap();
    world.goes_on().await;
    // The program that serves the page is killed, and is gone while lines come.
    drop(program);
    let said = world.said().len();
    while world.said().len() <= said + 1 {
        sleep(Duration::from_millis(5)).await;
    }
    let (program, _) = web(&root, &address);
    world.goes_on().await;
    // Both at once.
    drop(program);
    server.restart().await.unwrap();
    let (_program, _) = web(&root, &address);
    world.goes_on().await;
    page.refresh().await.unwrap();
    world.goes_on().await;

    stop.send(()).unwrap();
    chatter.await.unwrap();
    lines.close().await.unwrap();
    world.is_complete().await;
    page.refresh().await.unwrap();
    world.is_complete().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and ChromeDriver: .ci/web"]
async fn a_page_shows_each_line_once_and_in_order_over_reloads_and_restarts() {
    let (_driver, browser) = browser().await;
    // Whatever comes of it, the browser ends.
    let outcome = tokio::spawn(timeout(LIMIT, story(browser.clone()))).await;
    browser.close().await.unwrap();
    outcome.unwrap().expect("it hangs");
}
