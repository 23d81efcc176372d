//! Azure DevOps Boards: [`Reader`] and [`Writer`] over its work item tracking REST API.
//!
//! It may not look at ClickUp, the database or the engine. Everything that decides is pure (`convert`, `wiql`, `fields`,
//! `errors`, `states`); `api` sends. The service says little about what changed (ids only, whole seconds, link edits not at
//! all), so `delta` spends its one extra request of an idle cycle where it tells most.
//!
//! | quirk | symptom | source | handling | test |
//! |---|---|---|---|---|
//! | ADO-1 | adding or removing a work item link moves neither `rev` nor `System.ChangedDate` | Azure/azure-devops-cli-extension recordings, 2026-03 | link feed, both ends are read again | `a_changed_link_makes_known_ends_rows` |
//! | ADO-2 | a failed `test /rev` is 412, a race inside the server 409 | MicrosoftDocs/vsts-rest-api-specs, wit 7.1 | both are `Stale` | `both_forms_of_a_revision_race_are_stale_and_another_409_is_not` |
//! | ADO-3 | a create works only in the type's first state | Azure/azure-devops-cli-extension issue 273 | state patched afterwards along allowed transitions | `the_shortest_allowed_way_is_taken` |
//! | ADO-4 | WIQL has day precision unless `timePrecision=true` is on the query string; finer than seconds is not reliable | learn.microsoft.com, wiql-syntax | query string, whole seconds rounded down | `dates_are_whole_seconds_and_quotes_are_doubled` |
//! | ADO-5 | more than 20,000 rows is an error, with `$top` a silent cut | learn.microsoft.com, object-limits, 2024-09 | keyset paging by id | `a_full_walk_has_revisions_and_is_complete` |
//! | ADO-6 | a bad token may be answered with 203 or 302 and HTML | MicrosoftDocs/vsts-rest-api-specs issue 97 | only JSON with 200, 201, 204 counts | `only_json_or_nothing_with_200_201_or_204_is_a_success` |
//! | ADO-7 | long text is HTML or Markdown per item and field, and the format is missing when `fields` is asked for | vsts-rest-api-specs, wit 7.2 | whole items are read; the format is never changed | `an_item_reads_in_canonical_form` |
//! | ADO-8 | the stock Bug shows its repro steps and hides the description | microsoft/process-customization-scripts, 2022 | repro steps where the type has them | `bugs_use_repro_steps_and_other_types_the_description` |
//! | ADO-9 | a day is stored as the instant of the picking person's midnight | inferred from learn.microsoft.com, wiql-syntax (dates) | configured zone, or the day of twelve hours later | `days_survive_the_picking_persons_time_zone` |
//! | ADO-10 | throttling comes as `Retry-After` on a 200 and as delays up to 30 s | learn.microsoft.com, rate-limits, 2025-09 | pause for everyone, timeout above 30 s | `retry_after_on_a_success_holds_the_next_request` |
//! | ADO-11 | errors may start with a byte order mark, be plain text or have no body | Azure/azure-devops-cli-extension recordings, 2025 | mark skipped, status decides | `codes_come_from_the_message_or_else_the_type_and_a_byte_order_mark_is_no_obstacle` |
//! | ADO-12 | relations and tags come back in no fixed order | Azure/azure-devops-cli-extension recordings, 2026-03 | compared as sets | `an_item_reads_in_canonical_form` |
//! | ADO-13 | an unreadable item is `null` in a batch, whether deleted, foreign or forbidden | learn.microsoft.com, get-work-items-batch, 7.1 | only a recycle bin row proves a deletion | `only_a_recycle_bin_row_says_that_an_item_is_gone` |

mod api;
mod claim;
mod convert;
pub mod decode;
mod delta;
mod errors;
mod fields;
mod limits;
mod link_feed;
mod parts;
mod patch;
mod read;
mod retype;
mod rights;
mod schema;
mod states;
mod sweep;
mod walk;
mod wiql;
mod wire;
mod write;

pub use states::allowed_way;

use crate::connector::client::{Budget, ClientConfig, HttpClient, RateLimit, ReadAgain, Timing};
use crate::connector::customs::Customs;
use crate::connector::vocabulary::{Key, Vocabulary};
use crate::connector::{
    BeforeCall, Change, ClaimChange, Claims, ConnectorError, EachPage, ErrorKind, Fetched, Kept,
    Known, Listing, NewItem, Objection, Reader, Schema, Swept, Traces, Watermark, Writer, Written,
    outdated,
};
use crate::field::WantedFields;
use crate::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, PairName, Past, Service, Side, Timestamp, Version,
};
use async_trait::async_trait;
use base64::Engine as _;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest time one attempt may take: the service delays a throttled request by up to 30 s (ADO-10).
const TIMEOUT: Duration = Duration::from_secs(60);
/// Largest answer: 200 items with long texts of up to a megabyte rarely come near it.
const MAX_BODY: usize = 32 << 20;

/// What the connector is built from.
pub struct Settings {
    /// `https://dev.azure.com/org`, `https://org.visualstudio.com`, or the address of a server collection.
    pub url: String,
    /// Personal access token with the scope Work Items (Read & write).
    pub pat: SecretString,
    /// Upper bound on the request rate.
    pub requests_per_second: u32,
    /// Zone in which days are meant. `None`: see quirk ADO-9.
    pub time_zone: Option<chrono_tz::Tz>,
    /// The pairs, one scope each.
    pub pairs: Vec<Scope>,
    /// Ends every wait.
    pub cancel: CancellationToken,
    /// Largest answer that is taken in, in bytes. `None`: 32 MB.
    pub max_body: Option<usize>,
    /// What is shared with other processes.
    pub kept: Kept,
}

/// The ADO half of one pair.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The pair's name.
    pub pair: PairName,
    /// Project name.
    pub project: String,
    /// Area path without a leading backslash; items below it are in scope. `None`: the whole project.
    pub area: Option<String>,
    /// WIQL condition from `ado.where`.
    pub condition: Option<String>,
    /// `@Me` or a person's name; only their items are in scope.
    pub assigned_to: Option<String>,
    /// Type of created items that do not name one.
    pub default_type: String,
    /// Area path of created items; `None`: `area`, or the project's root.
    pub area_for_new: Option<String>,
    /// The synced fields. The others are read under their usual names; custom fields exist only here.
    pub fields: WantedFields,
    /// Hosts whose hyperlinks count as links to a counterpart. Empty: `app.clickup.com`.
    pub marker_hosts: Vec<String>,
}

/// What reader and writer share: one client, because the service counts per credential.
struct Shared {
    api: api::Api,
    base_url: String,
    zone: Option<chrono_tz::Tz>,
    scopes: Vec<Scope>,
    types: read::TypeCache,
    vocabulary: Arc<Vocabulary>,
    customs: Arc<Customs>,
    apart: walk::Apart,
}

/// Reads work items.
#[derive(Clone)]
pub struct AzureReader(Arc<Shared>);

/// Writes work items.
#[derive(Clone)]
pub struct AzureWriter(Arc<Shared>);

/// Builds both halves on one client. Sends nothing. Fails with `Refused` on an address that cannot be used.
pub fn connect(settings: Settings) -> Result<(AzureReader, AzureWriter), ConnectorError> {
    connect_with(settings, Timing::for_service(Service::Ado))
}

/// As [`connect`], with other waits.
pub fn connect_with(
    settings: Settings,
    timing: Timing,
) -> Result<(AzureReader, AzureWriter), ConnectorError> {
    let base_url = normalise(&settings.url)?;
    let base_text = base_url.as_str().trim_end_matches('/').to_owned();
    let read_again = settings
        .kept
        .token
        .map(|token| -> ReadAgain { Arc::new(move || token().map(|token| authorization(&token))) });
    let http = HttpClient::with_timing(
        ClientConfig {
            service: Service::Ado,
            base_url,
            authorization: authorization(&settings.pat),
            read_again,
            headers: vec![
                ("accept", "application/json".to_owned()),
                // Asks for a plain 401 instead of a sign-in page (ADO-6).
                ("x-tfs-fedauthredirect", "Suppress".to_owned()),
            ],
            limit: RateLimit::PerSecond(settings.requests_per_second),
            timeout: TIMEOUT,
            max_body: settings.max_body.unwrap_or(MAX_BODY),
            is_own: errors::is_own,
            cancel: settings.cancel,
            sends: settings.kept.sends,
        },
        timing,
    )?;
    let shared = Arc::new(Shared {
        api: api::Api {
            http,
            older: 0.into(),
        },
        base_url: base_text,
        zone: settings.time_zone,
        scopes: settings.pairs,
        types: read::TypeCache::default(),
        vocabulary: settings.kept.vocabulary,
        customs: settings.kept.customs,
        apart: walk::Apart::default(),
    });
    Ok((AzureReader(shared.clone()), AzureWriter(shared)))
}

/// A personal access token goes as the password of nobody (learn.microsoft.com, use-personal-access-tokens).
fn authorization(pat: &SecretString) -> SecretString {
    let pair = format!(":{}", pat.expose_secret());
    let basic = base64::engine::general_purpose::STANDARD.encode(pair);
    SecretString::from(format!("Basic {basic}"))
}

/// Parses the address; `https://org.visualstudio.com` becomes `https://dev.azure.com/org`.
fn normalise(text: &str) -> Result<Url, ConnectorError> {
    let bad = |message: String| {
        ConnectorError::new(Side::Ado, ErrorKind::Refused, "set up the client", message)
    };
    let url = Url::parse(text.trim()).map_err(|error| bad(format!("url: {error}")))?;
    let organisation = url
        .host_str()
        .and_then(|host| host.strip_suffix(".visualstudio.com"));
    match organisation {
        Some(name) => Url::parse(&format!("https://dev.azure.com/{name}"))
            .map_err(|error| bad(format!("url: {error}"))),
        None => Ok(url),
    }
}

impl Shared {
    fn scope(&self, pair: &PairName) -> Result<&Scope, ConnectorError> {
        self.scopes
            .iter()
            .find(|scope| scope.pair == *pair)
            .ok_or_else(|| {
                ConnectorError::new(
                    Side::Ado,
                    ErrorKind::Refused,
                    "find the pair",
                    format!("no pair is called {pair}"),
                )
            })
    }
}

impl Shared {
    fn key(&self, what: String) -> Key {
        Key {
            service: Service::Ado,
            place: self.base_url.clone(),
            what,
        }
    }

    /// Whether a write was refused, and a type that it went by is not what an earlier process was told. Then everything that
    /// was handed down is forgotten.
    async fn is_outdated(&self, error: &ConnectorError) -> bool {
        let refused = matches!(error.kind, ErrorKind::Refused | ErrorKind::NotFound);
        if !refused || error.may_be_in_force() {
            return false;
        }
        let mut outdated = false;
        for (key, old) in self.vocabulary.used(Service::Ado) {
            let name = key.what.strip_prefix(read::KEPT_TYPE);
            if let Some((project, name)) = name.and_then(|name| name.split_once('/')) {
                // One that cannot be read now tells nothing.
                let _ = self.read_type(project, name).await;
                outdated |= self.vocabulary.differs(&key, &old);
            }
        }
        if outdated {
            self.vocabulary.doubt(Service::Ado);
        }
        outdated
    }
}

impl AzureReader {
    /// Returns what has been used of the allowance; shared with the writer.
    pub fn budget(&self) -> Budget {
        self.0.api.http.budget()
    }
}

#[async_trait]
impl Reader for AzureReader {
    fn side(&self) -> Side {
        Side::Ado
    }

    async fn has_another_credential(&self) -> bool {
        self.0.api.http.credential_has_changed().await
    }

    async fn fetch_changes(
        &self,
        since: &Watermark,
        known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Result<Listing, ConnectorError> {
        let Some(high) = since.high else {
            let every = self.0.scopes.iter().map(|scope| scope.pair.clone());
            return self.fetch_all(&every.collect()).await;
        };
        self.0.fetch_changes(since, high, known).await
    }

    async fn fetch_links(
        &self,
        since: &Watermark,
        known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Result<Listing, ConnectorError> {
        self.0.fetch_links(since, known).await
    }

    async fn sweep(
        &self,
        pairs: &BTreeSet<PairName>,
        each: EachPage<'_>,
    ) -> Result<Swept, ConnectorError> {
        self.0.sweep(pairs, each).await
    }

    async fn fetch_items(
        &self,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Fetched>, ConnectorError> {
        self.0.fetch_items(ids).await
    }

    fn covers(&self, pair: &PairName, item: &Item) -> Option<bool> {
        self.0.covers(pair, item)
    }

    async fn find_marker(
        &self,
        pair: &PairName,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        self.0.find_marker(pair, marker, created_after).await
    }

    async fn find_marker_anywhere(
        &self,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let place = wiql::everywhere();
        self.0.marked(place, marker, created_after).await
    }

    async fn find_titled(
        &self,
        title: &FieldValue,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        self.0.find_titled(title, created_after).await
    }

    fn server_now(&self) -> Option<Timestamp> {
        self.0.api.http.server_now()
    }

    async fn fetch_schema(&self, pair: &PairName) -> Result<Schema, ConnectorError> {
        let key = self.0.key(format!("pair {pair}"));
        if let Some(schema) = self.0.vocabulary.get_schema(&key) {
            return Ok(schema);
        }
        let schema = self.0.fetch_schema(pair).await?;
        let whole = schema.findings.is_empty();
        self.0.vocabulary.put_schema(key, &schema, whole);
        Ok(schema)
    }

    async fn fetch_states(
        &self,
        pair: &PairName,
        kind: &Folded,
    ) -> Result<BTreeSet<Folded>, ConnectorError> {
        self.0.fetch_states(pair, kind).await
    }

    async fn fetch_lacking(
        &self,
        pair: &PairName,
        kind: Option<&Folded>,
    ) -> Result<BTreeSet<FieldKey>, ConnectorError> {
        self.0.fetch_lacking(pair, kind).await
    }

    async fn fetch_claims(&self, id: &ItemId) -> Result<Claims, ConnectorError> {
        self.0.fetch_claims(id).await
    }

    async fn steps_of_create(
        &self,
        pair: &PairName,
        made: &Item,
        wanted: &FieldValue,
    ) -> Result<Vec<FieldValue>, ConnectorError> {
        self.0.steps_of_create(pair, made, wanted).await
    }

    async fn fetch_history(
        &self,
        id: &ItemId,
        since: Version,
    ) -> Result<Vec<Past>, ConnectorError> {
        self.0.fetch_history(id, since).await
    }

    async fn fetch_traces(&self, id: &ItemId) -> Result<Traces, ConnectorError> {
        self.0.fetch_traces(id).await
    }
}

#[async_trait]
impl Writer for AzureWriter {
    fn side(&self) -> Side {
        Side::Ado
    }

    async fn create(&self, new: &NewItem) -> Result<Written, ConnectorError> {
        match self.0.create(new).await {
            Err(error) if self.0.is_outdated(&error).await => self.0.create(new).await,
            other => other,
        }
    }

    async fn steps(&self, change: &Change) -> Result<Vec<FieldValue>, ConnectorError> {
        self.0.steps(change).await
    }

    async fn update_in_calls(
        &self,
        change: &Change,
        _before: BeforeCall<'_>,
    ) -> Result<Written, ConnectorError> {
        // From memory: they were asked for a moment ago.
        let said = self.0.steps(change).await?;
        match self.0.update(change).await {
            Err(error) if self.0.is_outdated(&error).await => {
                // Other steps than were said beforehand could not be told from a person's after a kill.
                if self.0.steps(change).await? != said {
                    return Err(outdated(error));
                }
                self.0.update(change).await
            }
            other => other,
        }
    }

    async fn delete(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        self.0.delete(pair, id).await
    }

    async fn fetch_objections(
        &self,
        pair: &PairName,
        types: &[String],
    ) -> Result<Vec<Objection>, ConnectorError> {
        self.0.fetch_objections(pair, types).await
    }

    async fn fetch_strangers(
        &self,
        pair: &PairName,
        kind: &str,
        people: &[String],
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        self.0.fetch_strangers(pair, kind, people).await
    }

    async fn restore(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        self.0.restore(pair, id).await
    }

    async fn claim(&self, change: &ClaimChange) -> Result<(), ConnectorError> {
        self.0.claim(change).await
    }
}

#[cfg(test)]
mod tests;
