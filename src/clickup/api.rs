//! Calls to ClickUp and the few answers that are kept: the token's user, the members, the task types, list statuses. They
//! are held until the next full listing, and kept for other processes ([`crate::connector::vocabulary`]).

use super::convert::{self, Lookups};
use super::failure::{Intent, judge, protocol, single_line};
use super::places::Places;
use super::walk::ArchivedFlag;
use super::wire::{CustomItemsAnswer, List, Task, TeamsAnswer, UserAnswer};
use super::words::{KeptMe, LIST_FIELDS, MEMBERS, TYPES, USER, Words, list_key};
use super::{Scope, body};
use crate::connector::client::{ApiRequest, ApiResponse, HttpClient, Priority, Sending};
use crate::connector::customs::CustomFields;
use crate::connector::{ConnectorError, ErrorKind, Setting};
use crate::model::{FieldKey, Folded, PairName, Service, Side};
use chrono_tz::Tz;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;
use url::Url;

/// Who the token belongs to.
#[derive(Clone, Debug)]
pub struct Me {
    /// User id.
    pub id: i64,
    /// Display name.
    pub name: String,
    /// Time zone in which days are told. `None`: ClickUp named none that is known.
    pub zone: Option<Tz>,
}

/// The members of the workspace.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Directory {
    /// By user id.
    pub by_id: BTreeMap<i64, Folded>,
    /// User ids by person key.
    pub by_key: BTreeMap<String, i64>,
    /// Roles by user id: 1 owner, 2 admin, 3 member, 4 guest (developer.clickup.com, custom roles).
    pub roles: BTreeMap<i64, i64>,
}

impl Directory {
    fn add(&mut self, id: i64, person: Folded) {
        self.by_key.insert(person.key.clone(), id);
        self.by_id.insert(id, person);
    }
}

/// What both the reader and the writer hold.
pub struct Inner {
    pub(super) http: HttpClient,
    pub(super) workspace: String,
    pub(super) scopes: Vec<Scope>,
    /// What the team endpoint was seen to make of `archived`.
    pub(super) archived: ArchivedFlag,
    /// Lists that were seen to be gone.
    pub(super) places: Places,
    pub(super) words: Words,
    /// With the number of the credential that it belongs to.
    me: Mutex<Option<(u64, Arc<Me>)>>,
    directory: Mutex<Option<Arc<Directory>>>,
    types: Mutex<Option<Arc<BTreeMap<i64, String>>>>,
    lists: Mutex<BTreeMap<String, Arc<List>>>,
    /// Ids of people seen on tasks: some are not members (guests, people who left).
    seen: Mutex<BTreeMap<String, i64>>,
}

impl Inner {
    /// Builds the shared part. Sends nothing.
    pub fn new(http: HttpClient, workspace: String, scopes: Vec<Scope>, words: Words) -> Inner {
        Inner {
            http,
            workspace,
            scopes,
            archived: ArchivedFlag::default(),
            places: Places::default(),
            words,
            me: Mutex::default(),
            directory: Mutex::default(),
            types: Mutex::default(),
            lists: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Returns the scope of a pair.
    ///
    /// # Errors
    /// `Refused` for a pair that was not configured.
    pub fn scope(&self, pair: &PairName, operation: &str) -> Result<&Scope, ConnectorError> {
        self.scopes
            .iter()
            .find(|scope| scope.pair == *pair)
            .ok_or_else(|| {
                let message = format!("the pair {pair} is not configured");
                ConnectorError::new(Side::ClickUp, ErrorKind::Refused, operation, message)
            })
    }

    /// Returns the pair that watches a list.
    pub fn pair_of(&self, list: &str) -> Option<&PairName> {
        self.scopes
            .iter()
            .find(|scope| scope.watches(list))
            .map(|scope| &scope.pair)
    }

    /// Forgets what was looked up, so that renamed types, new members and a changed time zone are noticed.
    pub async fn forget(&self) {
        self.words.vocabulary.forget(Service::ClickUp);
        self.forget_held().await;
    }

    pub(super) async fn forget_held(&self) {
        *self.me.lock().await = None;
        *self.directory.lock().await = None;
        *self.types.lock().await = None;
        self.lists.lock().await.clear();
    }

    /// Returns an address below the API root; `segments` are encoded already.
    pub fn address(&self, path: &str, query: &[(&str, String)]) -> Result<Url, ConnectorError> {
        let mut url = self.http.url(&format!("/api/v2/{path}"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Sends a read and returns the answer whatever its status.
    pub async fn ask(
        &self,
        url: Url,
        operation: &'static str,
        priority: Priority,
    ) -> Result<ApiResponse, ConnectorError> {
        let request = ApiRequest {
            method: Method::GET,
            url,
            body: None,
            operation,
            sending: Sending::Repeatable,
            priority,
        };
        self.http.send(request).await
    }

    /// Sends a read and returns its JSON.
    pub async fn fetch_json<T: DeserializeOwned>(
        &self,
        url: Url,
        operation: &'static str,
        priority: Priority,
    ) -> Result<T, ConnectorError> {
        let response = self.ask(url, operation, priority).await?;
        self.accept(&response, operation, Intent::Read).await?;
        response.json(Side::ClickUp, operation)
    }

    /// Waits until the next write may go out at once.
    pub async fn make_room(&self) -> Result<(), ConnectorError> {
        self.http.make_room().await
    }

    /// Sends a write exactly once and returns the accepted answer. A body is sent as JSON; without one the content type is
    /// sent all the same, because the reference marks it as required on calls without a body too.
    pub async fn send_write(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        operation: &'static str,
        sending: Sending,
    ) -> Result<ApiResponse, ConnectorError> {
        let bytes = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let request = ApiRequest {
            method,
            url,
            body: Some(("application/json".to_owned(), bytes)),
            operation,
            sending,
            priority: Priority::Live,
        };
        let response = self.http.send(request).await?;
        self.accept(&response, operation, Intent::Write).await?;
        Ok(response)
    }

    /// Returns an error unless the answer is a success. Asks `GET /user` where only that tells a wrong id from a dead token.
    pub async fn accept(
        &self,
        response: &ApiResponse,
        operation: &str,
        intent: Intent,
    ) -> Result<(), ConnectorError> {
        if (200..300).contains(&response.status) {
            return Ok(());
        }
        let failure = judge(response, operation, intent);
        let mut error = failure.error;
        if failure.unsure {
            let lives = self.token_lives().await.map_err(|mut unread| {
                unread.in_doubt = error.in_doubt;
                unread
            })?;
            if !lives {
                error.kind = ErrorKind::Auth;
                error.message = "the token is no longer accepted".to_owned();
            }
        }
        Err(error)
    }

    /// Returns whether ClickUp still accepts the token.
    async fn token_lives(&self) -> Result<bool, ConnectorError> {
        let operation = "check the token";
        let url = self.address("user", &[])?;
        let response = self.ask(url, operation, Priority::Live).await?;
        match response.status {
            200..=299 if response.is_json() => Ok(true),
            401 => Ok(false),
            _ => {
                let error = judge(&response, operation, Intent::Read).error;
                match error.kind {
                    ErrorKind::Auth => Ok(false),
                    _ => Err(error),
                }
            }
        }
    }

    /// Returns who the token belongs to.
    pub async fn fetch_me(&self) -> Result<Arc<Me>, ConnectorError> {
        let mut slot = self.me.lock().await;
        // Another token may be another person's, whose time zone days are told in.
        let token = self.http.credential_number();
        if let Some((_, me)) = slot.as_ref().filter(|(of, _)| *of == token) {
            return Ok(Arc::clone(me));
        }
        if token == 0
            && let Some((id, name, zone)) = self.words.get::<KeptMe>(USER)
        {
            let zone = zone.and_then(|zone| zone.parse().ok());
            let me = Arc::new(Me { id, name, zone });
            *slot = Some((token, Arc::clone(&me)));
            return Ok(me);
        }
        let operation = "read the token's user";
        let url = self.address("user", &[])?;
        let answer: UserAnswer = self.fetch_json(url, operation, Priority::Live).await?;
        let Some((id, person)) = convert::person(&answer.user, &BTreeMap::new()) else {
            return Err(protocol(operation, "the answer names no user id"));
        };
        let zone = answer
            .user
            .timezone
            .get()
            .and_then(|name| name.parse().ok());
        if zone.is_none() {
            tracing::warn!(
                side = "clickup",
                "the token's user has no known time zone; dates are not read"
            );
        }
        let me = Arc::new(Me {
            id,
            name: person.shown,
            zone,
        });
        // Without a zone no date is read: that is told again by the next process.
        if let Some(zone) = zone {
            let kept: KeptMe = (me.id, me.name.clone(), Some(zone.name().to_owned()));
            self.words.put(USER, &kept);
        }
        *slot = Some((token, Arc::clone(&me)));
        Ok(me)
    }

    /// What it means that the workspace is not among those that the token may see: where it sees others the number is wrong,
    /// and where it sees none it was not authorised for any.
    fn no_workspace(&self, operation: &str, answer: &TeamsAnswer) -> ConnectorError {
        let others = answer.teams.iter();
        let others: Vec<&str> = others
            .filter_map(|team| Some(team.id.get()?.0.as_str()))
            .collect();
        let mut message = format!(
            "the token gives no access to workspace {}; correct [clickup] workspace (the number in app.clickup.com/NUMBER/), \
             or use the token of somebody who is a member of it",
            self.workspace
        );
        if !others.is_empty() {
            message.push_str(&format!(
                ". It has access to {}",
                single_line(&others.join(", "))
            ));
        }
        let mut error = ConnectorError::new(Side::ClickUp, ErrorKind::Auth, operation, message);
        error.setting = (!others.is_empty()).then_some(Setting::Workspace);
        error
    }

    /// Returns the members of the workspace; `fresh` asks ClickUp even if they are known.
    pub async fn fetch_directory(&self, fresh: bool) -> Result<Arc<Directory>, ConnectorError> {
        let mut slot = self.directory.lock().await;
        if let (Some(directory), false) = (slot.as_ref(), fresh) {
            return Ok(Arc::clone(directory));
        }
        if !fresh && let Some(directory) = self.words.get::<Directory>(MEMBERS) {
            let directory = Arc::new(directory);
            *slot = Some(Arc::clone(&directory));
            return Ok(directory);
        }
        let operation = "read the workspace members";
        let url = self.address("team", &[])?;
        let answer: TeamsAnswer = self.fetch_json(url, operation, Priority::Live).await?;
        let team = answer
            .teams
            .iter()
            .find(|team| team.id.get().is_some_and(|id| id.0 == self.workspace));
        let Some(team) = team else {
            return Err(self.no_workspace(operation, &answer));
        };
        let mut directory = Directory::default();
        for member in &team.members {
            if let Some((id, person)) = convert::person(&member.user, &BTreeMap::new()) {
                directory.add(id, person);
                if let Some(role) = member.user.role.get() {
                    directory.roles.insert(id, role.0);
                }
            }
        }
        let directory = Arc::new(directory);
        self.words.put(MEMBERS, directory.as_ref());
        *slot = Some(Arc::clone(&directory));
        Ok(directory)
    }

    /// Returns the task types by id, the built-in ones left out; `fresh` asks ClickUp even if they are known.
    pub async fn fetch_types(
        &self,
        fresh: bool,
    ) -> Result<Arc<BTreeMap<i64, String>>, ConnectorError> {
        let mut slot = self.types.lock().await;
        if let (Some(types), false) = (slot.as_ref(), fresh) {
            return Ok(Arc::clone(types));
        }
        if !fresh && let Some(types) = self.words.get::<BTreeMap<i64, String>>(TYPES) {
            let types = Arc::new(types);
            *slot = Some(Arc::clone(&types));
            return Ok(types);
        }
        let path = format!("team/{}/custom_item", body::segment(&self.workspace));
        let url = self.address(&path, &[])?;
        let answer: CustomItemsAnswer = self
            .fetch_json(url, "read the task types", Priority::Live)
            .await?;
        let types: BTreeMap<i64, String> = answer
            .custom_items
            .iter()
            .filter_map(|item| {
                let id = item.id.get()?.0.parse().ok()?;
                Some((id, item.name.get()?.0.clone()))
            })
            .collect();
        let types = Arc::new(types);
        self.words.put(TYPES, types.as_ref());
        *slot = Some(Arc::clone(&types));
        Ok(types)
    }

    /// Returns a list with its statuses; `fresh` asks ClickUp even if it is known.
    pub async fn fetch_list(&self, id: &str, fresh: bool) -> Result<Arc<List>, ConnectorError> {
        let mut lists = self.lists.lock().await;
        if let (Some(list), false) = (lists.get(id), fresh) {
            return Ok(Arc::clone(list));
        }
        let key = list_key(id);
        if !fresh
            && let Some(kept) = self.words.get::<Value>(&key)
            && let Ok(list) = serde_json::from_value::<List>(kept)
        {
            let list = Arc::new(list);
            lists.insert(id.to_owned(), Arc::clone(&list));
            return Ok(list);
        }
        let operation = "read a list";
        let url = self.address(&format!("list/{}", body::segment(id)), &[])?;
        let answer: Result<Value, _> = self.fetch_json(url, operation, Priority::Live).await;
        if answer.is_err() {
            self.words.vocabulary.drop_one(self.words.key(&*key));
        }
        let mut answer = answer?;
        let list: List = serde_json::from_value(answer.clone())
            .map_err(|_| protocol(operation, "the answer is not a list"))?;
        let list = Arc::new(list);
        // One that is put away is looked at again and again, until it is back.
        if super::places::state_of(&list).is_some() {
            self.words.vocabulary.drop_one(self.words.key(&*key));
        } else {
            if let Some(fields) = answer.as_object_mut() {
                fields.retain(|name, _| LIST_FIELDS.contains(&name.as_str()));
            }
            self.words.put(&key, &answer);
        }
        lists.insert(id.to_owned(), Arc::clone(&list));
        Ok(list)
    }

    /// The custom fields of every pair that has some, with the lists that it watches.
    fn customs(&self) -> Vec<(Vec<String>, Arc<CustomFields>)> {
        let of = |scope: &Scope| {
            let fields = self.words.customs.of(&scope.pair)?;
            let lists = scope.watched().map(str::to_owned).collect();
            (!fields.is_empty()).then_some((lists, fields))
        };
        self.scopes.iter().filter_map(of).collect()
    }

    /// Returns what converting these tasks needs, asking only for what is needed and not known yet.
    pub async fn lookups(&self, tasks: &[Task]) -> Result<Lookups, ConnectorError> {
        let mut lookups = Lookups {
            backlink_prefixes: self
                .scopes
                .iter()
                .map(|scope| scope.ado_url_prefix.clone())
                .filter(|prefix| !prefix.is_empty())
                .collect(),
            customs: self.customs(),
            ..Lookups::default()
        };
        if tasks.iter().any(|task| convert::needs_zone(task, &lookups)) {
            lookups.zone = self.fetch_me().await?.zone;
        }
        // Types are only asked for where somebody syncs them: the call may be refused by the plan.
        let types_matter = |scope: &Scope| scope.fields.contains_key(&FieldKey::Type);
        if self.scopes.iter().any(types_matter) && tasks.iter().any(convert::needs_types) {
            let mut known = self.fetch_types(false).await?;
            let new = |task: &Task| convert::shows_new_type(task, &known);
            if self.words.is_handed_down(TYPES) && tasks.iter().any(new) {
                known = self.fetch_types(true).await?;
            }
            lookups.types = known.as_ref().clone();
        }
        if tasks
            .iter()
            .any(|task| convert::needs_people(task, &lookups))
        {
            let mut known = self.fetch_directory(false).await?;
            let new = |task: &Task| convert::shows_new_person(task, &lookups, &known.by_id);
            if self.words.is_handed_down(MEMBERS) && tasks.iter().any(new) {
                known = self.fetch_directory(true).await?;
            }
            lookups.people = known.by_id.clone();
        }
        for task in tasks {
            self.compare_status(task).await;
            self.compare_customs(task, &lookups).await;
        }
        let mut seen = self.seen.lock().await;
        for user in tasks.iter().flat_map(|task| lookups.people_of(task)) {
            if let Some((id, person)) = convert::person(&user, &lookups.people) {
                seen.insert(person.key, id);
            }
        }
        Ok(lookups)
    }

    /// Returns the user id of a person, `None` if ClickUp knows nobody like that. Asks for the members at most once more.
    pub async fn person_id(&self, person: &Folded) -> Result<Option<i64>, ConnectorError> {
        if let Some(id) = self.seen.lock().await.get(&person.key) {
            return Ok(Some(*id));
        }
        if let Some(id) = person.key.strip_prefix("id:") {
            return Ok(id.parse().ok());
        }
        let was_known = self.directory.lock().await.is_some() || self.words.is_handed_down(MEMBERS);
        let directory = self.fetch_directory(false).await?;
        match directory.by_key.get(&person.key) {
            Some(id) => Ok(Some(*id)),
            None if was_known => {
                let directory = self.fetch_directory(true).await?;
                Ok(directory.by_key.get(&person.key).copied())
            }
            None => Ok(None),
        }
    }
}
