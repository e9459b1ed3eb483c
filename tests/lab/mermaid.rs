//! That the real Mermaid reads the flowcharts, and each label as it was meant.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::job::Outcome;
use crate::lab::{Lab, NEXUS};
use crate::tools;

/// Parses the charts in a file of JSON; prints what nodes and edges say, entities and line breaks resolved. Mermaid
/// wants a browser's document, and keeps entities in a spelling of its own until it draws.
const READER: &str = r#"
const [file, modules] = process.argv.slice(1);
const load = (name) => import(modules + name);
(async () => {
  const { JSDOM } = (await load("/jsdom/lib/api.js")).default;
  globalThis.window = new JSDOM("").window;
  globalThis.document = window.document;
  const { default: mermaid } = await load("/mermaid/dist/mermaid.core.mjs");
  const shown = (text) => (text ?? "")
    .replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code)))
    .split(/<br\s*\/?>/);
  const results = [];
  for (const text of JSON.parse(require("fs").readFileSync(file, "utf8"))) {
    try {
      await mermaid.parse(text);
      const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
      const nodes = [...db.getVertices().values()].map((node) => shown(node.text));
      const edges = db.getEdges().map((edge) => [edge.start, edge.end, ...shown(edge.text)]);
      results.push({ nodes, edges });
    } catch (error) {
      results.push({ error: String(error) });
    }
  }
  console.log(JSON.stringify(results));
})();
"#;

/// What Mermaid makes of `charts`, one by one.
fn read(lab: &Lab, charts: &[String]) -> Vec<Value> {
    let file = lab.file("charts.json", &json!(charts).to_string());
    let modules = tools::node_modules().unwrap();
    let run = lab
        .job(modules.join(".bin/node"))
        .args(["-e", READER])
        .args([&file, &modules])
        .run();
    serde_json::from_str(run.succeeds()).unwrap()
}

#[test]
fn mermaid_reads_the_recorded_charts() {
    need!("mermaid");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/snapshots");
    let mut charts = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with("_mermaid.snap") {
            let snapshot = fs::read_to_string(path).unwrap();
            // After insta's own head.
            let chart = snapshot.splitn(3, "---\n").nth(2).unwrap();
            charts.push(format!("{}\n", chart.trim_end()));
        }
    }
    assert!(charts.len() >= 6, "{charts:#?}");
    let lab = Lab::new();
    for (read, chart) in read(&lab, &charts).iter().zip(&charts) {
        let nodes = read["nodes"].as_array();
        assert!(
            nodes.is_some_and(|nodes| !nodes.is_empty()),
            "{read}\n{chart}"
        );
    }
}

#[test]
fn a_chart_of_a_real_run_says_what_was_meant() {
    need!("mermaid");
    const ODD: &str = "A\"b`c`#1;[x]{y}<b>&amp;|%%{init}%% style x: #35; end classDef y:#1; **z** _u_ größer \\ ﬂ°°34¶ß $$x$$";
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let url = format!("tcp://{}:8081", NEXUS.0);
    let run: Outcome = lab
        .runup()
        .args(["check", "--format", "mermaid", "--timeout", "1s"])
        .args(["--require-variable", ODD, "--require", &url])
        .args([
            "--require",
            "dns://nobody.corp.example",
            "--",
            "./end; %% \"x\"",
        ])
        .run();
    run.exits(127);
    let read = read(&lab, std::slice::from_ref(&run.stdout)).remove(0);
    let lines: Vec<String> = (read["nodes"].as_array().unwrap().iter())
        .flat_map(|node| node.as_array().unwrap())
        .map(|line| line.as_str().unwrap().replace('\u{200b}', ""))
        .collect();
    for line in [
        format!("✗ variable `{ODD}`: is not set, or empty"),
        "✗ command `./end; %% \"x\"`: `./end; %% \"x\"` does not exist".to_owned(),
        "DNS".to_owned(),
        "project emulated".to_owned(),
        url,
    ] {
        assert!(lines.contains(&line), "{line}\n{lines:#?}\n{}", run.stdout);
    }
    let edges = read["edges"].as_array().unwrap();
    let edge = |one: &Value, other: &Value| {
        edges
            .iter()
            .any(|edge| &edge[0] == one && &edge[1] == other)
    };
    assert!(edge(&"container".into(), &"dns".into()), "{edges:?}");
    assert!(edges.iter().any(|edge| edge[2] == "resolve"), "{edges:?}");
    assert!(edges.iter().any(|edge| edge[2] == "connect"), "{edges:?}");
}

#[test]
fn a_chart_that_is_none_would_be_found() {
    need!("mermaid");
    let wrong = [
        "flowchart LR\n  a[\"x\" y\"]\n",
        "flowchart LR\n  a --\n",
        "not ready\n",
    ];
    let lab = Lab::new();
    for (read, chart) in read(&lab, &wrong.map(str::to_owned)).iter().zip(wrong) {
        assert!(read["error"].is_string(), "{chart}: {read}");
    }
}
