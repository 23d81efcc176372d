//! What a sandbox workspace contains at the start, and which disputed behaviours it shows.

use serde_json::{Value, json};

/// A workspace with its people, places and behaviour.
#[derive(Clone, Debug)]
pub struct ClickUpConfig {
    /// Workspace id: decimal digits ("team" in v2 paths).
    pub workspace: String,
    /// Workspace name.
    pub workspace_name: String,
    /// The token of boardsync, as sent in `Authorization`. A `pk_` token is refused behind `Bearer`.
    pub token: String,
    /// Id of the user who owns the token: author of every write over HTTP.
    pub token_user: i64,
    /// Personal tokens (`pk_`) of other people, each with its owner's id.
    pub others: Vec<(String, i64)>,
    /// Everybody in the workspace; must contain the token's user.
    pub users: Vec<SandboxUser>,
    /// Custom task types besides the built-in 0 (task) and 1 (milestone): id and name.
    pub custom_items: Vec<(i64, String)>,
    /// Spaces in order.
    pub spaces: Vec<SandboxSpace>,
    /// Behaviour on points where the vendor's is undocumented or varies.
    pub quirks: Quirks,
    /// Where attachment addresses point, without a trailing slash.
    /// Set it to the server's own address and the sandbox serves the bytes itself.
    pub attachment_base: String,
}

/// One member or guest.
#[derive(Clone, Debug)]
pub struct SandboxUser {
    /// Numeric id; negative for an AI agent.
    pub id: i64,
    /// Display name; empty for an invited guest who has none yet, which is null on the wire
    /// (johannesjo/super-productivity issue 5908).
    pub username: String,
    /// Address; empty for null.
    pub email: String,
    /// IANA zone, used for date-only values the token's user writes. An unknown name means UTC.
    pub timezone: String,
    /// `None` for a member. `Some(lists)` for a guest who sees only these lists.
    pub guest_of: Option<Vec<String>>,
}

/// One space.
#[derive(Clone, Debug)]
pub struct SandboxSpace {
    /// Decimal id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Statuses inherited by every list that has none of its own.
    pub statuses: Vec<SandboxStatus>,
    /// Whether the points feature is on.
    pub points: bool,
    /// Folders in order.
    pub folders: Vec<SandboxFolder>,
    /// Lists outside any folder, in order.
    pub lists: Vec<SandboxList>,
}

/// One folder.
#[derive(Clone, Debug)]
pub struct SandboxFolder {
    /// Decimal id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Lists in order.
    pub lists: Vec<SandboxList>,
}

/// One list.
#[derive(Clone, Debug)]
pub struct SandboxList {
    /// Decimal id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Whether it is archived.
    pub archived: bool,
    /// Own statuses; `None` inherits those of the space.
    pub statuses: Option<Vec<SandboxStatus>>,
    /// Custom fields that apply here.
    pub fields: Vec<SandboxField>,
}

/// One status. Its order index is its position.
#[derive(Clone, Debug)]
pub struct SandboxStatus {
    /// Name, lower-case as recent data shows it.
    pub name: String,
    /// `open`, `unstarted`, `custom`, `done` or `closed`.
    pub kind: String,
}

/// One custom field definition.
#[derive(Clone, Debug)]
pub struct SandboxField {
    /// UUID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Vendor type, for example `drop_down`.
    pub kind: String,
    /// Vendor `type_config`; `{}` for most types.
    pub type_config: Value,
}

/// What the team listing makes of `archived`, which its documentation does not mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamArchived {
    /// Works as on the list endpoint: only archived or only live tasks.
    Honoured,
    /// Ignored; archived tasks never appear.
    IgnoredHidden,
    /// Ignored; archived tasks appear among the live ones.
    IgnoredShown,
}

/// What a task shows of a custom field of the type `text` that was set to Markdown. Set Custom Field Value takes a string, Get Task
/// may show `value_richtext` and `value_markdown` beside it, and nothing says what becomes of markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongTexts {
    /// What was sent, byte for byte.
    AsSent,
    /// What a program sends is stored without its markup; what a person types stands as it is.
    Plain,
    /// What was sent, up to so many characters: how much fits is not documented.
    Cut(usize),
    /// The text without markup. Read by its id, a task has `value_markdown` beside it, in the editor's own spelling.
    WithMarkdown,
}

/// Every point on which sources disagree or nothing is documented. A client must work under any setting.
#[derive(Clone, Debug)]
pub struct Quirks {
    /// Milliseconds until a write shows in listings (a read by id sees it at once).
    pub listing_lag_ms: i64,
    /// By how many milliseconds the `Date` header is ahead of the clock that stamps tasks. Nothing says that the two are
    /// one clock: a proxy in front may set the header.
    pub date_skew_ms: i64,
    /// Requests per minute and token.
    pub rate_limit: u32,
    /// Whether a refusal for rate carries `Retry-After: 60`.
    pub retry_after: bool,
    /// Whether `date_updated_gt` lets the boundary itself through.
    pub updated_gt_inclusive: bool,
    /// Whether `order_by=updated` without `reverse` starts with the newest.
    pub updated_newest_first: bool,
    /// Whether the team listing carries `last_page`.
    pub team_last_page: bool,
    /// What the team listing makes of `archived`.
    pub team_archived: TeamArchived,
    /// Whether the token may see the workspace. Without, everything in it is 401 `OAUTH_027` while `GET /user` works.
    pub workspace_authorised: bool,
    /// Whether a description with an HTML comment and an address is escaped and linked once more by every write.
    pub escapes_again: bool,
    /// Whether the answer to an update that completes a recurring task already shows it open again.
    pub reopened_in_answer: bool,
    /// Whether the answer to an update leaves the description out.
    pub put_omits_description: bool,
    /// Whether tag names are folded to lower case.
    pub lowercase_tags: bool,
    /// Whether the plan has custom fields; without, definitions are empty and writes get `FIELD_033`.
    pub custom_fields: bool,
    /// How many values of custom fields the plan allows in all; `None`: any number.
    pub field_uses: Option<usize>,
    /// Whether a status must be written in its exact case.
    pub status_case_sensitive: bool,
    /// Whether `"priority": null` clears.
    pub null_clears_priority: bool,
    /// Whether `"description": ""` clears (one space always does).
    pub empty_clears_description: bool,
    /// Whether setting a custom field moves `date_updated`.
    pub field_set_moves: bool,
    /// Whether editing, deleting or answering a comment moves `date_updated`.
    pub comment_edit_moves: bool,
    /// Whether archiving moves `date_updated`.
    pub archive_moves: bool,
    /// Whether listings fill `checklists`; otherwise `[]` even where there are some.
    pub listing_checklists: bool,
    /// Whether listings drop custom field values.
    pub listing_drops_field_values: bool,
    /// What becomes of Markdown in a custom field of the type `text`.
    pub long_texts: LongTexts,
}

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks {
            listing_lag_ms: 0,
            // ClickUp docs "Rate limits": 100 requests a minute per token on Free to Business.
            date_skew_ms: 0,
            rate_limit: 100,
            retry_after: false,
            updated_gt_inclusive: true,
            updated_newest_first: true,
            team_last_page: false,
            team_archived: TeamArchived::IgnoredHidden,
            workspace_authorised: true,
            escapes_again: true,
            reopened_in_answer: true,
            put_omits_description: false,
            lowercase_tags: true,
            custom_fields: true,
            field_uses: None,
            status_case_sensitive: false,
            null_clears_priority: true,
            empty_clears_description: false,
            field_set_moves: true,
            comment_edit_moves: false,
            archive_moves: true,
            listing_checklists: false,
            listing_drops_field_values: false,
            long_texts: LongTexts::AsSent,
        }
    }
}

impl SandboxStatus {
    /// Builds a status from its name and kind.
    pub fn new(name: &str, kind: &str) -> SandboxStatus {
        SandboxStatus {
            name: name.to_owned(),
            kind: kind.to_owned(),
        }
    }
}

impl SandboxUser {
    /// Builds a member who lives in UTC.
    pub fn member(id: i64, username: &str, email: &str) -> SandboxUser {
        SandboxUser {
            id,
            username: username.to_owned(),
            email: email.to_owned(),
            timezone: "UTC".to_owned(),
            guest_of: None,
        }
    }
}

impl SandboxList {
    /// Builds a list with inherited statuses and no custom fields.
    pub fn new(id: &str, name: &str) -> SandboxList {
        SandboxList {
            id: id.to_owned(),
            name: name.to_owned(),
            archived: false,
            statuses: None,
            fields: Vec::new(),
        }
    }
}

impl SandboxField {
    /// Builds a field without type configuration.
    pub fn new(id: &str, name: &str, kind: &str) -> SandboxField {
        SandboxField {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            type_config: json!({}),
        }
    }

    /// Builds a drop-down with the given `(option id, name)` pairs, in order.
    pub fn drop_down(id: &str, name: &str, options: &[(&str, &str)]) -> SandboxField {
        let options: Vec<Value> = options
            .iter()
            .enumerate()
            .map(|(index, (id, name))| json!({"id": id, "name": name, "color": "#b5bcc2", "orderindex": index}))
            .collect();
        SandboxField {
            type_config: json!({"sorting": "manual", "new_drop_down": true, "options": options}),
            ..SandboxField::new(id, name, "drop_down")
        }
    }
}

impl ClickUpConfig {
    /// A small workspace: one space, two lists outside folders (`901100000001` with inherited
    /// statuses, `901100000002` with its own), one folder with a list (`901100000003`), four people and an invited guest.
    pub fn example() -> ClickUpConfig {
        let fields = vec![
            SandboxField::new("0f7c1c5e-5d0e-4e58-9d3f-000000000001", "Upstream", "url"),
            SandboxField::new("0f7c1c5e-5d0e-4e58-9d3f-000000000002", "Effort", "number"),
            SandboxField::drop_down(
                "0f7c1c5e-5d0e-4e58-9d3f-000000000003",
                "Severity",
                &[
                    ("5e7e0000-0000-4000-8000-000000000001", "Critical"),
                    ("5e7e0000-0000-4000-8000-000000000002", "Minor"),
                ],
            ),
        ];
        let with_fields = |id: &str, name: &str| SandboxList {
            fields: fields.clone(),
            ..SandboxList::new(id, name)
        };
        ClickUpConfig {
            workspace: "9010000001".to_owned(),
            workspace_name: "Sandbox".to_owned(),
            token: "pk_1001_SANDBOX".to_owned(),
            token_user: 1001,
            others: Vec::new(),
            users: vec![
                SandboxUser::member(1001, "Sync Robot", "robot@example.com"),
                SandboxUser::member(1002, "Ada Keller", "ada@example.com"),
                SandboxUser::member(1003, "Bo Lindqvist", "bo@example.com"),
                SandboxUser {
                    guest_of: Some(Vec::new()),
                    ..SandboxUser::member(1004, "Gil Guest", "gil@example.net")
                },
                SandboxUser {
                    guest_of: Some(Vec::new()),
                    ..SandboxUser::member(1005, "", "")
                },
            ],
            custom_items: vec![(1300, "Bug".to_owned())],
            spaces: vec![SandboxSpace {
                id: "90110000001".to_owned(),
                name: "Product".to_owned(),
                statuses: vec![
                    SandboxStatus::new("to do", "open"),
                    SandboxStatus::new("in progress", "custom"),
                    SandboxStatus::new("in review", "done"),
                    SandboxStatus::new("complete", "closed"),
                ],
                points: true,
                folders: vec![SandboxFolder {
                    id: "90120000001".to_owned(),
                    name: "Releases".to_owned(),
                    lists: vec![with_fields("901100000003", "Spring")],
                }],
                lists: vec![
                    with_fields("901100000001", "Backlog"),
                    SandboxList {
                        statuses: Some(vec![
                            SandboxStatus::new("new", "open"),
                            SandboxStatus::new("in progress", "custom"),
                            SandboxStatus::new("fixed", "closed"),
                        ]),
                        ..with_fields("901100000002", "Bugs")
                    },
                ],
            }],
            quirks: Quirks::default(),
            attachment_base: "https://t9010000001.p.clickup-attachments.com".to_owned(),
        }
    }
}
