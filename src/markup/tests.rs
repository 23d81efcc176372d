//! The rules of the canonical form, of patching, merging and the footer, one test each.

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
fn a_changed_paragraph_leaves_its_neighbours_bytes_alone() {
    let raw = "<div style=\"x\"><div><span style=\"color:red\">one</span></div><p>two</p><table border=3><tr><td>t</table></div>";
    let wanted = html(raw).replace("two", "**deux**");
    let written = put(Html, raw, &wanted);
    assert_eq!(
        written,
        raw.replace("<p>two</p>", "<p><strong>deux</strong></p>")
    );

    let raw =
        "*   one\n*   __uno__\n\ntwo\r\n\r\n* * *\n\nthree  \nfour\n\n[r]: https://r.example\n";
    let written = put(Markdown, raw, &markdown(raw).replace("two", "deux"));
    for kept in [
        "*   one\n*   __uno__\n",
        "* * *\n",
        "three  \nfour\n",
        "[r]: https://r.example\n",
        "deux",
    ] {
        assert!(written.contains(kept), "{kept:?} in {written:?}");
    }
}

#[test]
fn an_empty_text_empties_the_field_but_for_the_footer() {
    assert_eq!(put(Html, "<p>x</p>", ""), "");
    assert_eq!(put(Markdown, "x", ""), "");
    let raw = with_footer("x", "Bug 812", URL);
    let emptied = put(Markdown, &raw, "");
    assert_eq!(
        footer(&emptied),
        Some(("Bug 812".to_owned(), URL.to_owned()))
    );
    assert_eq!(markdown(&emptied), "");
}

#[test]
fn the_footer_is_no_part_of_the_text_and_survives_an_edit() {
    let raw = with_footer("*   one\n\ntwo", "Bug [812]", URL);
    assert_eq!(markdown(&raw), "- one\n\ntwo");
    let written = put(Markdown, &raw, "- one\n\ntwo\n\nthree");
    assert_eq!(
        footer(&written),
        Some(("Bug [812]".to_owned(), URL.to_owned()))
    );
    assert_eq!(markdown(&written), "- one\n\ntwo\n\nthree");
    assert!(
        written.starts_with("*   one\n\ntwo\n\nthree\n\nAzure DevOps: "),
        "{written}"
    );
}

#[test]
fn a_footer_is_replaced_not_repeated() {
    let twice = with_footer(
        &with_footer("text", "Bug 1", "https://d.example/1"),
        "Bug 2",
        URL,
    );
    assert_eq!(twice.matches(FOOTER_PREFIX).count(), 1);
    assert_eq!(footer(&twice), Some(("Bug 2".to_owned(), URL.to_owned())));
}

#[test]
fn the_footer_is_found_as_the_editor_spells_it() {
    let label = "[Bug 812] low_tide".to_owned();
    for line in [
        format!("Azure DevOps: [\\[Bug 812\\] low\\_tide]({URL})"),
        format!("text  \nAzure DevOps:  [\\[Bug 812\\] low\\_tide]({URL} \"t\")  \n\n"),
        format!("*   item\n\nAzure DevOps: [\\[Bug 812\\] low\\_tide](<{URL}>)\n\nTyped below."),
    ] {
        assert_eq!(
            footer(&line),
            Some((label.clone(), URL.to_owned())),
            "{line}"
        );
        assert!(!markdown(&line).contains("Azure"), "{line}");
    }
    for line in [format!("Azure DevOps: <{URL}>"), footer::line(URL, URL)] {
        assert_eq!(
            footer(&line),
            Some((URL.to_owned(), URL.to_owned())),
            "{line}"
        );
    }
}

#[test]
fn a_sentence_that_only_resembles_the_footer_is_text() {
    for line in [
        "Azure DevOps: see [x](https://x.example)",
        "Azure DevOps: soon",
        "- Azure DevOps: [x](https://x.example)",
    ] {
        assert_eq!(footer(line), None, "{line}");
        assert!(markdown(line).contains("Azure DevOps"), "{line}");
    }
}

#[test]
fn a_footer_is_set_even_behind_an_open_fence() {
    let raw = with_footer("text\n\n```js\nlet a;", "Bug 812", URL);
    assert_eq!(footer(&raw), Some(("Bug 812".to_owned(), URL.to_owned())));
    assert_eq!(markdown(&raw), markdown("text\n\n```js\nlet a;"));
}

#[test]
fn edits_of_different_paragraphs_fit_together() {
    let merged = merge3(
        "one\n\ntwo\n\nthree",
        "ONE\n\ntwo\n\nthree",
        "one\n\ntwo\n\nthree\n\nfour",
    );
    assert_eq!(
        merged,
        TextMerge::Clean("ONE\n\ntwo\n\nthree\n\nfour".to_owned())
    );
}

#[test]
fn edits_of_one_paragraph_conflict_and_other_edits_are_in_both_ways_out() {
    let merged = merge3(
        "one\n\ntwo\n\nthree",
        "one A\n\ntwo\n\nthree",
        "one B\n\ntwo\n\nTHREE",
    );
    let expected = TextMerge::Conflict {
        taking_a: "one A\n\ntwo\n\nTHREE".to_owned(),
        taking_b: "one B\n\ntwo\n\nTHREE".to_owned(),
    };
    assert_eq!(merged, expected);
}

#[test]
fn an_edit_against_a_deletion_conflicts() {
    assert!(matches!(
        merge3("one\n\ntwo", "one", "one\n\nTWO"),
        TextMerge::Conflict { .. }
    ));
    assert!(matches!(
        merge3("one", "", "two"),
        TextMerge::Conflict { .. }
    ));
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

/// What editing the word `edit` of a text would lose.
fn lost(format: TextFormat, raw: &str) -> Option<&'static str> {
    let wanted = canonical(format, raw).replace("edit", "changed");
    assert_ne!(wanted, canonical(format, raw), "{raw}");
    flattens(format, raw, &wanted)
}

#[test]
fn formatting_that_markdown_cannot_hold_is_named() {
    for (raw, what) in [
        ("<p>edit <span style=\"color:red\">x</span></p>", "coloured"),
        (
            "<p>edit <span style=\"COLOR: rgb(192, 0, 0) !important\">x</span></p>",
            "coloured",
        ),
        ("<p>edit <font color=\"#c00\">x</font></p>", "coloured"),
        (
            "<p>edit <span style=\"background-color:#ff0\">x</span></p>",
            "highlighted",
        ),
        ("<p>edit <mark>x</mark></p>", "highlighted"),
        ("<p style=\"text-align:center\">edit</p>", "centred"),
        ("<p align=right>edit</p>", "right-aligned"),
        (
            "<p>edit <img src=\"https://x.example/a.png\" width=40></p>",
            "size of its own",
        ),
        (
            "<p>edit <video src=\"https://x.example/a\"></video></p>",
            "embedded",
        ),
        (
            "<details><summary>edit</summary><p>x</p></details>",
            "folds",
        ),
        ("<ol type=a><li>edit</li></ol>", "letters"),
        (
            "<table><tr><td colspan=2>edit</td></tr><tr><td>a</td><td>b</td></tr></table>",
            "merged",
        ),
        (
            "<table><tr><td bgcolor=\"#deeaf6\">edit</td></tr></table>",
            "shaded",
        ),
        (
            "<table><tr><td>edit<ul><li>a</li></ul></td></tr></table>",
            "table cell",
        ),
    ] {
        assert!(
            lost(Html, raw).is_some_and(|lost| lost.contains(what)),
            "{raw}: {:?}",
            lost(Html, raw)
        );
        let beside = format!("{}<p>edit</p>", raw.replace("edit", "kept"));
        assert_eq!(lost(Html, &beside), None, "{beside}");
    }
    assert!(lost(Markdown, "edit <mark>x</mark>").is_some());
    assert!(lost(Markdown, "edit <font color=\"red\">x</font>").is_some());
    assert_eq!(lost(Markdown, "kept <mark>x</mark>\n\nedit"), None);
}

#[test]
fn what_services_and_pastes_put_on_every_text_is_not_missed() {
    for raw in [
        "<div style=\"box-sizing:border-box\"><div>edit<br>b</div></div>",
        "<div><span style=\"color:rgb(0, 0, 0);background-color:rgb(255,255,255)\">edit</span></div>",
        "<p><span style=\"color:#172b4d;font-size:11pt;font-family:Calibri\">edit</span></p>",
        "<p>edit<span style=\"color:var(--text-primary-color, rgba(0,0,0,.9))\">x</span></p>",
        "<p>edit<span style=\"color:red\"> <br></span></p>",
        "<p>edit <a href=\"https://x.example\" style=\"color:blue\">x</a></p>",
        "<p style=\"text-align:left;margin-left:0px\">edit</p>",
        "<p class=MsoNormal>edit<o:p></o:p></p>",
        "<pre style=\"background:#1e1e3e\"><code><span style=\"color:#569cd6\">edit</span></code></pre>",
        "<table border=1 style=\"width:100%\"><tr><td style=\"width:50%;border:1px solid #ababab\">edit</td></tr></table>",
        "<table><tr><td align=right><div>edit</div><div>b</div></td></tr></table>",
        "<p>edit <img src=\"https://x.example/a.png\" alt=Image style=\"max-width:100%;width:auto\"></p>",
        "<p>edit</p><!-- note --><script>x</script>",
    ] {
        assert_eq!(lost(Html, raw), None, "{raw}");
    }
    assert_eq!(lost(Markdown, "edit `<mark>x</mark>`"), None);
    assert_eq!(lost(Markdown, "```\nedit <mark>x</mark>\n```"), None);
    assert_eq!(lost(Markdown, "edit List<T> <u>x</u>"), None);
}

#[test]
fn a_formatted_block_that_goes_loses_nothing_and_one_that_moves_does() {
    let raw = "<p>one</p><p><span style=\"color:red\">two</span></p><p>three</p>";
    assert_eq!(flattens(Html, raw, "one\n\nthree"), None);
    assert_eq!(flattens(Html, raw, ""), None);
    assert_eq!(flattens(Html, raw, "one\n\ntwo\n\nthree\n\nfour"), None);
    let raw = "<p><span style=\"color:red\">one</span></p><p>two</p><p>three</p>";
    assert!(flattens(Html, raw, "two\n\nthree\n\none").is_some());
    assert!(flattens(Html, raw, "**one**\n\ntwo\n\nthree").is_some());
}
