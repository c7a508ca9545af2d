//! Devices: those of a user, or all of them, page by page.

use crate::Query;
use aws::store::{PAGE, Position};
use aws::{Call, Failure, Page, Reply, shown};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use push::device::Device;
use push::filter::{Field, Filter};
use push::{DeviceId, Invalid, Span, UserId};
use serde_json::json;
use std::collections::BTreeSet;
use std::iter::successors;

/// What is asked for.
struct Wanted {
    user: Option<UserId>,
    /// All of them have to hold.
    filters: Vec<(String, Filter)>,
    /// Where the page begins.
    begin: Position,
    page: Page,
}

/// What there is.
struct Found {
    devices: Vec<(DeviceId, Device)>,
    /// Where the next page begins, and how many devices it still leaves out.
    next: Option<(Position, usize)>,
    /// How many there are on all pages, where that is known.
    total: Option<usize>,
}

/// The query parameters. `expand` is IBM's, and changes nothing.
const PARAMETERS: [&str; 6] = ["cursor", "expand", "filter", "offset", "size", "userId"];

/// So many shards are read at the same time, at most.
const READS: usize = 16;

/// So long the devices of a page are looked for: a filter may hold for few of very many. Then the page is what was found,
/// and the next one goes on.
const PATIENCE: Span = Span::from_seconds(5);

impl Query {
    /// GET `…/devices`.
    pub(crate) async fn devices(&self, call: &Call) -> Result<Reply, Failure> {
        self.secrets.backend(call).await?;
        call.expect_parameters(&PARAMETERS)?;
        let wanted = Wanted::of(call)?;
        let found = match &wanted.user {
            Some(user) => self.of_user(call, user, &wanted).await?,
            None => self.of_all(call, &wanted).await?,
        };
        let devices = found.devices.iter();
        let devices = devices.map(|(id, device)| shown::device(&self.settings, call, id, device));
        let devices: Vec<_> = devices.collect();
        let next = found.next.as_ref().map(|(position, offset)| {
            let query = wanted.query(position, *offset);
            self.settings.href(call, &format!("/devices?{query}"))
        });
        let mut info = json!({
            "count": devices.len().to_string(),
            "next": next.unwrap_or_default(),
            "previous": "",
        });
        if let Some(total) = found.total {
            info["totalCount"] = total.to_string().into();
        }
        Reply::json(200, &json!({"devices": devices, "pageInfo": info}))
    }

    /// The index of the user names devices; their items say which are theirs.
    async fn of_user(&self, call: &Call, user: &UserId, wanted: &Wanted) -> Result<Found, Failure> {
        let policy = self.settings.policy();
        let links = self.store.links(user, call.now).await?;
        let ids: Vec<_> = links.into_iter().map(|(id, _)| id).collect();
        let mut devices = Vec::new();
        for some in ids.chunks(PAGE) {
            let some: BTreeSet<_> = some.iter().cloned().collect();
            let records = self.store.devices(&some).await?;
            let theirs = records.into_iter().filter_map(|(id, record)| {
                let device = policy.receives(&record, user, call.now)?.clone();
                Some((id, device))
            });
            devices.extend(theirs.filter(|(id, device)| self.passes(call, wanted, id, device)));
        }
        let total = Some(devices.len());
        let mut devices: Vec<_> = devices
            .into_iter()
            .map(|(id, device)| (Position::after(id.clone()), id, device))
            .filter(|(position, ..)| *position > wanted.begin)
            .collect();
        devices.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        let devices = devices.into_iter().map(|(_, id, device)| (id, device));
        Ok(Found {
            total,
            ..wanted.cut(devices.collect(), None)
        })
    }

    /// Shard after shard, several at the same time where they hold little.
    async fn of_all(&self, call: &Call, wanted: &Wanted) -> Result<Found, Failure> {
        let (mut devices, mut reads) = (Vec::new(), 1);
        let mut position = Some(wanted.begin.clone());
        while let Some(begin) = position.take() {
            let late = (self.clock)().since(call.now) > PATIENCE;
            if late || devices.len() > wanted.most() {
                return Ok(wanted.cut(devices, Some(begin)));
            }
            let begins: Vec<_> = successors(Some(begin), Position::next_shard)
                .take(reads)
                .collect();
            let pages = begins.iter().map(|begin| self.store.shard(begin, PAGE));
            reads = (reads * 4).min(READS);
            for (records, next) in try_join_all(pages).await? {
                let live = records.into_iter().filter_map(|(id, record)| {
                    let device = record.live(call.now)?.clone();
                    Some((id, device))
                });
                devices.extend(live.filter(|(id, device)| self.passes(call, wanted, id, device)));
                position = next;
                if position.as_ref().is_some_and(|next| !next.begins_a_shard()) {
                    // The shard goes on: what was read of those behind it came too early.
                    reads = 1;
                    break;
                }
            }
        }
        Ok(wanted.cut(devices, None))
    }

    fn passes(&self, call: &Call, wanted: &Wanted, id: &DeviceId, device: &Device) -> bool {
        let policy = self.settings.policy();
        let shown = |field| match field {
            Field::DeviceId => id.as_str(),
            Field::UserId => policy
                .owner(device, call.now)
                .map_or(UserId::ANONYMOUS, UserId::as_str),
            Field::Platform => device.token.platform().letter(),
        };
        wanted
            .filters
            .iter()
            .all(|(_, filter)| filter.passes(shown))
    }
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, Invalid> {
        let filter = |text: String| Filter::parse(&text).map(|filter| (text, filter));
        let cursor = call.query("cursor").map(position).transpose()?;
        Ok(Self {
            user: call.query("userId").map(UserId::parse).transpose()?,
            filters: call
                .queries("filter")
                .map(filter)
                .collect::<Result<_, _>>()?,
            begin: cursor.unwrap_or_else(Position::first),
            page: Page::of(call)?,
        })
    }

    /// How many devices there have to be for a whole page.
    fn most(&self) -> usize {
        self.page.offset + self.page.size
    }

    /// The page of these devices, which go on at `further`, if they do.
    fn cut(&self, devices: Vec<(DeviceId, Device)>, further: Option<Position>) -> Found {
        let left_out = self.page.offset.min(devices.len());
        let more = devices.len() > self.most();
        let page = devices.into_iter().skip(left_out).take(self.page.size);
        let page: Vec<_> = page.collect();
        let next = match page.last() {
            Some((last, _)) if more => Some((Position::after(last.clone()), 0)),
            _ => further.map(|position| (position, self.page.offset - left_out)),
        };
        Found {
            devices: page,
            next,
            total: None,
        }
    }

    /// The query of the next page.
    fn query(&self, position: &Position, offset: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(user) = &self.user {
            query.append_pair("userId", user.as_str());
        }
        for (text, _) in &self.filters {
            query.append_pair("filter", text);
        }
        query.append_pair("size", &self.page.size.to_string());
        if offset > 0 {
            query.append_pair("offset", &offset.to_string());
        }
        let cursor = URL_SAFE_NO_PAD.encode(position.to_string());
        query.append_pair("cursor", &cursor).finish()
    }
}

/// A position from a cursor.
fn position(cursor: &str) -> Result<Position, Invalid> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    let position = text.and_then(|text| Position::parse(&text));
    position.ok_or_else(|| Invalid::new("cursor", "It is one that an answer gave."))
}
