//! Behaviour that differs between organisations, or about which published reports disagree.

/// What becomes of a priority that a client clears. Not established for the real service, and it may differ by process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriorityCleared {
    /// The field stays empty.
    Empty,
    /// The default (2) comes back in the same save.
    Default,
    /// The patch is refused, and the refusal names the field.
    Refused,
}

/// Behaviour that can be switched while the sandbox runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Quirks {
    /// Whether long text is rewritten on save.
    pub rewrite_html: bool,
    /// Whether characters beyond the basic plane come back as numeric entities from long text, HTML and Markdown alike.
    pub emoji_entities: bool,
    /// Whether every character beyond ASCII comes back from HTML as a numeric entity.
    pub non_ascii_entities: bool,
    /// Whether `add` on System.Tags unites with the tags that are there. Reported so by WorkItemUpdater issue 92 and pull
    /// request 87 (tried live); the contrary by azure-devops-cli-extension issue 515 and vsteam pull request 187 (2019).
    pub add_unites_tags: bool,
    /// Whether `replace` and `remove` of a field without a value are refused. Not established for the real service.
    pub refuses_unset: bool,
    /// Whether the token may make tags that its project does not have yet ("Create tag definition").
    pub may_create_tags: bool,
    /// Whether the token sees relations. Without some scope items come without any `relations`, also in the answer to the
    /// patch that added one. Published report of a live account, 2026.
    pub sees_relations: bool,
    /// Whether the formats of long text are answered when fields were picked. Two live reports of 2026 disagree.
    pub formats_of_picked_fields: bool,
    /// Whether fields that an item's type does not have are still answered, as after a change of type. Not established.
    pub shows_fields_of_former_type: bool,
    /// What becomes of a priority that a client clears.
    pub priority_cleared: PriorityCleared,
    /// Whether any save of an item that is assigned to somebody who left is refused unless it names somebody else.
    /// WorkItemUpdater issues 48 and 78.
    pub refuses_people_who_left: bool,
    /// Whether a patch that changes nothing makes a revision (not established for the real service).
    pub noop_bumps_rev: bool,
    /// By how many ms of sandbox time WIQL lags behind.
    pub index_lag_ms: i64,
    /// Revisions per item that the REST API allows. Azure DevOps docs object-limits.md (2024-09): 10,000.
    pub rev_limit: i64,
    /// Rows that a WIQL answer may have. Azure DevOps docs object-limits.md (2024-09): 20,000.
    pub wiql_limit: usize,
    /// Rows in one batch of the reporting feeds.
    pub feed_page: usize,
    /// Newest api-version that the server knows: 7.2 for Services, 6.0 for Azure DevOps Server 2020 (docs
    /// integrate/concepts/rest-api-versioning.md, 2025).
    pub newest_version: f64,
    /// Throttling headers on every answer.
    pub throttle: Option<Throttle>,
}

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks {
            rewrite_html: true,
            emoji_entities: true,
            non_ascii_entities: false,
            add_unites_tags: true,
            refuses_unset: true,
            may_create_tags: true,
            sees_relations: true,
            formats_of_picked_fields: true,
            shows_fields_of_former_type: true,
            priority_cleared: PriorityCleared::Empty,
            refuses_people_who_left: false,
            noop_bumps_rev: false,
            index_lag_ms: 0,
            rev_limit: 10_000,
            wiql_limit: 20_000,
            feed_page: 200,
            newest_version: 7.2,
            throttle: None,
        }
    }
}

/// What the throttling headers say. Azure DevOps docs rate-limits.md (2025-09).
#[derive(Clone, Debug, PartialEq)]
pub struct Throttle {
    /// `Retry-After`, seconds.
    pub retry_after: u64,
    /// `X-RateLimit-Delay`, seconds.
    pub delay: f64,
    /// `X-RateLimit-Limit`.
    pub limit: u64,
    /// `X-RateLimit-Remaining`.
    pub remaining: u64,
}
