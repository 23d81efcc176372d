//! Which formatting an edit would lose, and what is not missed.

use super::*;

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
