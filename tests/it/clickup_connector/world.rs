//! A fake workspace with the connector in front of it.

use boardsync::clickup::{ClickUpReader, ClickUpWriter, Scope, Settings, connect};
use boardsync::connector::customs::Customs;
use boardsync::connector::{Change, Fetched, Kept, Known, Listing, NewItem, Reader};
use boardsync::field::{Direction, Wanted, WantedFields};
use boardsync::model::{FieldKey, FieldValue, Folded, Item, ItemId, PairName, Service, Timestamp};
use boardsync::sandbox::clickup::{ClickUpConfig, ClickUpSandbox, Quirks};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::faults::{Fault, FaultRule, Faults};
use boardsync::sandbox::ledger::Ledger;
use boardsync::sandbox::{Running, serve};
use secrecy::SecretString;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub const BACKLOG: &str = "901100000001";
pub const BUGS: &str = "901100000002";
/// 2026-03-02 09:00 UTC.
pub const START: Timestamp = Timestamp(1_772_442_000_000);
pub const MARKER: &str = "sx1:web:ado:123:0:abcdef12";
pub const PREFIX: &str = "https://dev.azure.com/contoso/";

pub struct World {
    pub clickup: ClickUpSandbox,
    pub clock: SandboxClock,
    pub ledger: Ledger,
    pub faults: Faults,
    pub reader: ClickUpReader,
    pub writer: ClickUpWriter,
    pub customs: Arc<Customs>,
    _server: Running,
}

/// Every built-in field, both ways.
fn every_field() -> WantedFields {
    let wanted = |key: FieldKey| (key.clone(), Wanted::new(&key, Direction::Both, None));
    FieldKey::BUILT_IN.into_iter().map(wanted).collect()
}

pub async fn world(quirks: impl FnOnce(&mut Quirks)) -> World {
    world_of(|config| quirks(&mut config.quirks)).await
}

pub async fn world_of(change: impl FnOnce(&mut ClickUpConfig)) -> World {
    world_taking(None, change).await
}

/// A world whose client takes answers of at most so many bytes.
pub async fn world_taking(
    max_body: Option<usize>,
    change: impl FnOnce(&mut ClickUpConfig),
) -> World {
    let (clock, ledger, faults) = (
        SandboxClock::new(START),
        Ledger::default(),
        Faults::default(),
    );
    let mut config = ClickUpConfig::example();
    config.quirks.rate_limit = 100_000;
    config.users[0].timezone = "America/Los_Angeles".to_owned();
    change(&mut config);
    let token = config.token.clone();
    let clickup = ClickUpSandbox::new(clock.clone(), ledger.clone(), faults.clone(), config);
    let server = serve(clickup.router()).await.unwrap();
    let scope = Scope {
        pair: PairName::from("web"),
        list: BACKLOG.to_owned(),
        lists: vec![BACKLOG.to_owned(), BUGS.to_owned()],
        fields: every_field(),
        default_type: None,
        ado_url_prefix: PREFIX.to_owned(),
    };
    let kept = Kept::default();
    let customs = Arc::clone(&kept.customs);
    let (reader, writer) = connect(Settings {
        url: server.url.clone(),
        workspace: "9010000001".to_owned(),
        token: SecretString::from(token),
        requests_per_minute: 100_000,
        pairs: vec![scope],
        cancel: CancellationToken::new(),
        max_body,
        kept,
    })
    .unwrap();
    World {
        clickup,
        clock,
        ledger,
        faults,
        reader,
        writer,
        customs,
        _server: server,
    }
}

impl World {
    pub fn seed(&self, list: &str, body: Value) -> ItemId {
        self.clock.advance(1000);
        ItemId(self.clickup.create_task(list, &body).unwrap())
    }

    pub fn edit(&self, id: &ItemId, body: Value) {
        self.clock.advance(1000);
        self.clickup.edit(id.as_str(), &body).unwrap();
    }

    pub fn fault(&self, method: &str, path: &str, fault: Fault) {
        self.faults.add(FaultRule {
            service: Service::ClickUp,
            method: Some(method.to_owned()),
            path_contains: path.to_owned(),
            fault,
            skip: 0,
            times: 1,
        });
    }

    /// Returns `METHOD path` of every request since `from`.
    pub fn requests(&self, from: usize) -> Vec<String> {
        let entries = self.ledger.entries();
        let later = entries.iter().skip(from);
        later
            .map(|entry| {
                let path = entry.path.split('?').next().unwrap();
                format!("{} {}", entry.method, path.trim_start_matches("/api/v2/"))
            })
            .collect()
    }

    pub async fn all(&self) -> Listing {
        self.reader
            .fetch_all(&BTreeSet::from([PairName::from("web")]))
            .await
            .unwrap()
    }

    pub async fn read(&self, id: &ItemId) -> Item {
        match self.fetch(id).await {
            Fetched::Seen(item) => *item,
            other => panic!("{id}: {other:?}"),
        }
    }

    pub async fn fetch(&self, id: &ItemId) -> Fetched {
        let ids = BTreeSet::from([id.clone()]);
        let mut answer = self.reader.fetch_items(&ids).await.unwrap();
        assert_eq!(answer.len(), 1);
        answer.remove(id).unwrap()
    }

    pub async fn change(&self, id: &ItemId, set: &[(FieldKey, FieldValue)]) -> Change {
        let current = self.read(id).await;
        Change {
            pair: PairName::from("web"),
            id: id.clone(),
            expected: current.version,
            current: Box::new(current),
            set: set.iter().cloned().collect(),
            backlink: None,
        }
    }
}

pub fn knows(listing: &Listing) -> BTreeMap<ItemId, Known> {
    let rows = listing.rows.iter();
    rows.map(|row| {
        let version = row.version.unwrap();
        let changed_at = Timestamp(version.0);
        (
            row.id.clone(),
            Known {
                version,
                changed_at,
            },
        )
    })
    .collect()
}

pub fn ids(listing: &Listing) -> BTreeSet<ItemId> {
    let ids: Vec<_> = listing.rows.iter().map(|row| row.id.clone()).collect();
    assert!(ids.is_sorted(), "rows are ordered by id");
    let set: BTreeSet<_> = ids.iter().cloned().collect();
    assert_eq!(set.len(), ids.len(), "one row per item");
    set
}

pub fn new_item(fields: &[(FieldKey, FieldValue)]) -> NewItem {
    NewItem {
        parent: None,
        pair: PairName::from("web"),
        fields: fields.iter().cloned().collect(),
        marker: MARKER.to_owned(),
        source: ItemId::from("123"),
        source_type: "Bug".to_owned(),
        source_url: format!("{PREFIX}web/_workitems/edit/123"),
    }
}

pub fn title(text: &str) -> (FieldKey, FieldValue) {
    (FieldKey::Title, FieldValue::text(text))
}

pub fn person(mail: &str) -> FieldValue {
    FieldValue::from_people(BTreeSet::from([Folded::person(mail, mail)]))
}

pub fn day(text: &str) -> FieldValue {
    FieldValue::Day(text.parse().unwrap())
}
