//! What reading, writing and merging long texts costs: `cargo bench --bench markup`.
#![allow(missing_docs, reason = "benchmarks are named by what they measure")]

use boardsync::markup::{canonical, merge3, put};
use boardsync::model::TextFormat::{Html, Markdown};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

/// A field of ordinary make-up, `kib` KiB long.
fn html(kib: usize) -> String {
    let mut out = String::new();
    for number in 0.. {
        if out.len() >= kib * 1024 {
            break;
        }
        out.push_str(&format!(
            "<h2>Berth {number}</h2><div>The <b>pilot</b> asks for a <a href=\"https://tides.example/{number}\">table</a> \
             &amp; waits.</div><ul><li>rope</li><li>chain <i>short</i><ul><li>link</li></ul></li></ul>\
             <table><tr><th>Ship</th><th>Load</th></tr><tr><td>Alma</td><td>{number}</td></tr></table>\
             <pre><code>helm({number});</code></pre><div><br></div>"
        ));
    }
    out
}

const SIZES: [usize; 4] = [1, 10, 100, 1000];

#[divan::bench(args = SIZES)]
fn html_to_canonical(bencher: Bencher, kib: usize) {
    let raw = html(kib);
    bencher
        .counter(BytesCount::of_str(&raw))
        .bench(|| canonical(Html, &raw));
}

#[divan::bench(args = SIZES)]
fn markdown_to_canonical(bencher: Bencher, kib: usize) {
    let raw = canonical(Html, &html(kib));
    bencher
        .counter(BytesCount::of_str(&raw))
        .bench(|| canonical(Markdown, &raw));
}

#[divan::bench(args = SIZES)]
fn canonical_to_html(bencher: Bencher, kib: usize) {
    let text = canonical(Html, &html(kib));
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| put(Html, "", &text));
}

#[divan::bench(args = SIZES)]
fn one_changed_block_into_html(bencher: Bencher, kib: usize) {
    let raw = html(kib);
    let text = canonical(Html, &raw).replacen("asks", "begs", 1);
    bencher
        .counter(BytesCount::of_str(&raw))
        .bench(|| put(Html, &raw, &text));
}

#[divan::bench(args = [10, 100])]
fn merge_of_distant_edits(bencher: Bencher, kib: usize) {
    let base = canonical(Html, &html(kib));
    let (a, b) = (
        base.replacen("asks", "begs", 1),
        format!("{base}\n\nlast words"),
    );
    bencher
        .counter(BytesCount::of_str(&base))
        .bench(|| merge3(&base, &a, &b));
}

#[divan::bench(args = [10, 100])]
fn merge_of_unrelated_texts(bencher: Bencher, kib: usize) {
    let base = canonical(Html, &html(kib));
    let (a, b) = (base.replace("rope", "wire"), base.replace("rope", "cord"));
    bencher
        .counter(BytesCount::of_str(&base))
        .bench(|| merge3(&base, &a, &b));
}
