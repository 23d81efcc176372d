//! The rules of the canonical form, of patching, merging and the footer, one test each.

mod carry;
mod edits;
mod losses;

use super::*;
use TextFormat::{Html, Markdown};

const URL: &str = "https://dev.azure.com/harbour/Port/_workitems/edit/812#sx1:a1:b%20~._-c";

fn html(raw: &str) -> String {
    canonical(Html, raw)
}

fn markdown(raw: &str) -> String {
    canonical(Markdown, raw)
}

#[test]
fn one_break_stays_and_two_make_a_paragraph() {
    assert_eq!(
        html("a<br>b<br><br>c<br> <br><br>d<br>"),
        "a\\\nb\n\nc\n\nd"
    );
    assert_eq!(markdown("a<br><br>b"), "a\n\nb");
}

#[test]
fn blanks_of_every_kind_are_one_blank() {
    assert_eq!(
        html("<div>a&nbsp;&nbsp; b\t\u{2003}c\u{200b}d&nbsp;</div><div>&nbsp;</div>"),
        "a b cd"
    );
}

#[test]
fn blanks_and_punctuation_are_pushed_out_of_emphasis() {
    assert_eq!(html("so<b> very </b>big"), "so **very** big");
    assert_eq!(html("<b>50%</b>off"), "**50**%off");
    assert_eq!(html("<b>a</b><b>b</b><i>c</i>"), "**ab**c");
}

#[test]
fn bold_is_dropped_where_it_is_bold_anyway() {
    assert_eq!(html("<h2><b>Title</b> here</h2>"), "## Title here");
    assert_eq!(
        html("<table><tr><td><b>H</b></td></tr><tr><td><b>c</b></td></tr></table>"),
        "| H |\n| --- |\n| **c** |"
    );
}

#[test]
fn a_list_beside_an_item_belongs_to_that_item() {
    assert_eq!(
        html("<ul><li>a</li><ul><li>b</li></ul><li>c</li></ul>"),
        "- a\n  - b\n- c"
    );
}

#[test]
fn neighbouring_lists_of_one_kind_are_one() {
    assert_eq!(
        markdown("- a\n\n* b\n\n1. c\n2) d"),
        "- a\n- b\n\n1. c\n2. d"
    );
}

#[test]
fn every_spelling_of_a_check_box_is_a_task() {
    let boxes = "<li>☐ a</li><li>☑ b</li><li>☒ c</li><li>[ ] d</li><li>[X] e</li><li><input type=checkbox checked> f</li>";
    let expected = "- [ ] a\n- [x] b\n- [x] c\n- [ ] d\n- [x] e\n- [x] f";
    assert_eq!(html(&format!("<ul>{boxes}</ul>")), expected);
    assert_eq!(
        put(Html, "", "- [ ] a\n- [x] b"),
        "<ul><li>☐ a</li><li>☑ b</li></ul>"
    );
}

#[test]
fn unknown_tags_in_markdown_are_text_and_known_ones_are_not() {
    assert_eq!(
        markdown("List<string> and <u>x</u> <T>"),
        "List&lt;string&gt; and <u>x</u> &lt;T&gt;"
    );
    assert_eq!(
        markdown("<custom>\nblock\n</custom>"),
        "&lt;custom&gt; block &lt;/custom&gt;"
    );
}

#[test]
fn a_single_capital_in_angle_brackets_is_a_type_not_a_tag() {
    assert_eq!(
        markdown("Func<A, B> of List<B>, not <b>x</b>"),
        "Func&lt;A, B&gt; of List&lt;B&gt;, not **x**"
    );
    assert_eq!(html("<B>x</B>"), "**x**");
}

#[test]
fn angle_brackets_in_text_are_written_as_entities() {
    let written = put(Markdown, "old", "a \\<b> \\> c `<d>`");
    assert_eq!(written, "a &lt;b&gt; &gt; c `<d>`");
    assert_eq!(markdown(&written), markdown("a \\<b> \\> c `<d>`"));
}

#[test]
fn a_mentioned_person_is_a_link_in_both_directions() {
    let raw = "<a href=\"#\" data-vss-mention=\"version:2.0,aaaabbbb-cccc-4ddd-8eee-ffff00001111\">@Ingrid [x]</a>";
    let text = html(raw);
    assert_eq!(
        text,
        "[@Ingrid \\[x\\]](ado-user:aaaabbbb-cccc-4ddd-8eee-ffff00001111)"
    );
    assert_eq!(put(Html, "", &text), format!("<p>{raw}</p>"));
}

#[test]
fn a_typed_at_name_stays_text() {
    for raw in [
        "@Ingrid look",
        "@&lt;aaaabbbb&gt; look",
        "mail me@x.example",
    ] {
        assert_eq!(markdown(raw), raw);
        assert!(!put(Html, "", raw).contains("<a"), "{raw}");
    }
}

#[test]
fn a_link_that_shows_its_own_address_is_the_bare_address() {
    let bare = "see https://t.example/a_b, ok";
    assert_eq!(
        markdown("see [https://t.example/a\\_b](https://t.example/a_b), ok"),
        bare
    );
    assert_eq!(markdown("see <https://t.example/a_b>, ok"), bare);
    assert_eq!(
        html("see <a href='https://t.example/a_b'>https://t.example/a_b</a>, ok"),
        bare
    );
    let link = "<a href=\"https://t.example/a_b\">https://t.example/a_b</a>";
    assert_eq!(put(Html, "", bare), format!("<p>see {link}, ok</p>"));
}

#[test]
fn a_bare_address_that_would_need_escapes_is_written_as_a_link() {
    let raw = "<p>at https://t.example/_a/~b, ok</p>";
    assert_eq!(
        html(raw),
        "at [https://t.example/\\_a/\\~b](https://t.example/_a/~b), ok"
    );
    assert_eq!(markdown(&html(raw)), html(raw));
}

#[test]
fn unsafe_addresses_lose_their_link_but_keep_their_words() {
    for url in [
        "javascript:x()",
        " java\tscript:x()",
        "vbscript:x",
        "data:text/html,x",
        "JAVASCRIPT:x",
        "a:b",
        "file:///etc/passwd",
        "FILE://server/share",
        "ssh://host",
        "ftp://host/x",
        "tel:123",
        "vscode://open",
    ] {
        assert_eq!(
            html(&format!("<a href=\"{url}\">word</a>")),
            "word",
            "{url}"
        );
        assert_eq!(markdown(&format!("[word](<{url}>)")), "word", "{url}");
    }
    assert_eq!(
        html("<img src='data:text/html,x' alt=pic><script>x</script>"),
        "pic"
    );
    for url in ["file:///c:/x.png", "ftp://host/x.png", "cid:1"] {
        assert_eq!(html(&format!("<img src='{url}' alt=pic>")), "pic", "{url}");
        assert_eq!(markdown(&format!("![pic]({url})")), "pic", "{url}");
    }
    for url in [
        "https://x.example",
        "http://x.example",
        "mailto:a@x.example",
    ] {
        let kept = format!("[word]({url})");
        assert_eq!(markdown(&kept), kept);
    }
}

#[test]
fn generated_html_never_holds_anything_active() {
    let hostile = "[a](javascript:x) <img src=x onerror=y> <script>z</script> ![b](data:text/html,q) `<svg onload=1>`";
    let written = put(Html, "<p>old</p>", &markdown(hostile));
    for bad in [
        "javascript:",
        "<script",
        "<svg",
        "<img src=\"x\" onerror",
        "data:text",
    ] {
        assert!(!written.contains(bad), "{bad} in {written}");
    }
}

#[test]
fn what_looks_like_markdown_in_html_stays_text() {
    for text in [
        "* a", "# a", "1. a", "2) a", "- a", "+ a", "> a", "a\n===", "---", "| a |", "~~a~~",
        "![a](b)", "&lt;", "***",
    ] {
        let raw = format!(
            "<p>{}</p>",
            text.replace('&', "&amp;")
                .replace('>', "&gt;")
                .replace('\n', "<br>")
        );
        let again = put(Html, "", &html(&raw));
        assert_eq!(html(&again), html(&raw), "{text}");
        assert!(
            again.starts_with("<p>") && !again.contains("<h") && !again.contains("<li"),
            "{text}: {again}"
        );
    }
}

#[test]
fn deep_or_huge_text_neither_hangs_nor_overflows_nor_loses_its_words() {
    let deep = [
        ("<div>".repeat(50_000), Html),
        ("<ul><li>".repeat(20_000), Html),
        ("<b><i><u>".repeat(5_000), Html),
        ("<blockquote>".repeat(90), Html),
        ("<p>".repeat(50_000), Html),
        (
            (0..200)
                .map(|n| format!("<font size={n}>"))
                .collect::<String>()
                + &"<p>".repeat(5_000),
            Html,
        ),
        ("<table><tr><td>".repeat(3_000), Html),
        ("> ".repeat(20_000), Markdown),
        ("- ".repeat(20_000), Markdown),
        ("[".repeat(20_000), Markdown),
        ("**a *b ".repeat(10_000), Markdown),
        ("![[".repeat(10_000), Markdown),
        ("<div>".repeat(20_000), Markdown),
        ("<u>".repeat(20_000), Markdown),
        ("`a".repeat(20_000), Markdown),
        ("a\n".repeat(20_000), Markdown),
        ("> a\n\n".repeat(6_000), Markdown),
        ("<ul><li>x</ul>".repeat(3_000), Html),
        ("<a href=x>b ".repeat(3_000), Html),
        ("<p>a<b>b</p>".repeat(3_000), Html),
        (
            "Azure DevOps: [x](https://a.example#sx1:a)\n\n".repeat(2_000),
            Markdown,
        ),
    ];
    for (start, format) in deep {
        let begun = std::time::Instant::now();
        let raw = format!("{start}\n\nkernel");
        let text = canonical(format, &raw);
        let what = &start[..start.len().min(30)];
        println!("{what}: {:?}", begun.elapsed());
        assert!(text.contains("kernel"), "{what}");
        assert_eq!(markdown(&text), text, "{what}");
        assert!(
            begun.elapsed().as_secs() < 30,
            "{what}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn text_above_the_size_limit_keeps_its_words_and_is_a_fixed_point() {
    let words = "word *and* [link](x) <b>more</b>\r\n".repeat(40_000);
    let text = markdown(&words);
    assert!(text.len() > settle::MAX_BYTES && !text.contains('\r'));
    assert_eq!(markdown(&text), text);
    assert_eq!(put(Markdown, &words, &text), words);
    let marked = format!("{words}\n\nAzure DevOps: [Bug 812]({URL})");
    assert_eq!(markdown(&marked), text);
    assert_eq!(
        footer(&marked),
        Some(("Bug 812".to_owned(), URL.to_owned()))
    );

    let raw = "<p>word <b>more</b> *star*</p>".repeat(40_000);
    let text = html(&raw);
    assert_eq!(text.matches("word").count(), 40_000);
    assert_eq!(markdown(&text), text);
}
