//! Tags: one item each, together in one partition, which backends write and everybody reads.

use super::devices::{Consistency, Order, PAGE};
use super::rows::{self, Row, key, number, text};
use super::subscriptions::{tag_id, tag_of};
use super::transaction::{Condition, NO_ITEM};
use super::{Fault, Store};
use push::TagName;
use push::device::Version;
use push::subscription::Tags;
use push::tag::{Description, Tag};

const TAGS: &str = "TAGS";

fn tag_key(name: &TagName) -> Row {
    key(TAGS, name.as_str())
}

impl Store {
    /// A tag.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn tag(&self, name: &TagName) -> Result<Option<Tag>, Fault> {
        let rows = self.read(vec![tag_key(name)]).await?;
        rows.first().map(|row| Ok(tag_row(row)?.1)).transpose()
    }

    /// Which of these tags there are, and which ones they are. A name that comes twice counts once.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn tags<'a>(
        &self,
        names: impl IntoIterator<Item = &'a TagName>,
    ) -> Result<Tags, Fault> {
        let names: std::collections::BTreeSet<_> = names.into_iter().collect();
        let keys: Vec<_> = names.into_iter().map(tag_key).collect();
        let mut tags = Tags::new();
        for some in keys.chunks(PAGE) {
            for row in self.read(some.to_vec()).await? {
                let (name, tag) = tag_row(&row)?;
                tags.insert(name, tag.id);
            }
        }
        Ok(tags)
    }

    /// The first tags in the order of their names, at most `most`.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn first_tags(
        &self,
        most: usize,
        consistency: Consistency,
    ) -> Result<Vec<(TagName, Tag)>, Fault> {
        let (mut tags, mut next) = (Vec::new(), None);
        loop {
            let left = Some(most - tags.len());
            let (rows, last) = self
                .query_as(consistency, TAGS, Order::Rising, next, left, None)
                .await?;
            for row in &rows {
                tags.push(tag_row(row)?);
            }
            next = last;
            if next.is_none() || tags.len() >= most {
                return Ok(tags);
            }
        }
    }

    /// The tag is this, if it was as it was seen; once, for who calls again in the same words and with the same name.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where it was not.
    pub async fn put_tag(
        &self,
        name: &TagName,
        tag: &Tag,
        seen: Option<&Tag>,
        write: Version,
    ) -> Result<(), Fault> {
        let mut row = tag_key(name);
        row.insert("id".to_owned(), tag_id(tag.id));
        row.insert("description".to_owned(), text(tag.description.as_str()));
        row.insert("created".to_owned(), number(tag.created.millis()));
        row.insert("updated".to_owned(), number(tag.updated.millis()));
        let condition = seen.map_or(NO_ITEM, as_seen);
        self.write(self.put(row, Some(condition)), write).await
    }

    /// There is no such tag any more, if it was as it was seen; once, as for [`put_tag`](Self::put_tag). Nobody subscribes
    /// to it from now on: what devices and the indexes hold of it is of another one than a later tag of the same name.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where it was not.
    pub async fn delete_tag(
        &self,
        name: &TagName,
        seen: &Tag,
        write: Version,
    ) -> Result<(), Fault> {
        let delete = self.delete_if(tag_key(name), Some(as_seen(seen)));
        self.write(delete, write).await
    }
}

fn as_seen(seen: &Tag) -> Condition {
    Condition {
        expression: "#id = :id AND #updated = :updated",
        names: &[("#id", "id"), ("#updated", "updated")],
        values: vec![
            (":id", tag_id(seen.id)),
            (":updated", number(seen.updated.millis())),
        ],
    }
}

fn tag_row(row: &Row) -> Result<(TagName, Tag), Fault> {
    let description = rows::string(row, "description")?;
    let tag = Tag {
        id: tag_of(row, "id")?,
        description: Description::parse(description).map_err(|_| rows::bad("description"))?,
        created: rows::millis(row, "created")?,
        updated: rows::millis(row, "updated")?,
    };
    let name = TagName::parse(rows::string(row, "sk")?).map_err(|_| rows::bad("sk"))?;
    Ok((name, tag))
}
