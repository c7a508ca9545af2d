//! Every device there is, shard by shard and page by page: without a scan, and device items only.

use super::devices::{Order, readable, whole};
use super::rows::{Projection, REACH, Row, key, reach_of};
use super::{Fault, Store};
use push::DeviceId;
use push::device::{Reach, Record, shard};
use std::fmt;

/// A place in the shards. Its text is the shard, and the device after which the page begins, if there is one: `7`,
/// `7.D1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    shard: u8,
    after: Option<DeviceId>,
}

impl Position {
    /// The beginning.
    #[must_use]
    pub fn first() -> Self {
        Self {
            shard: 0,
            after: None,
        }
    }

    /// In this shard, behind the device or at the beginning.
    #[must_use]
    pub fn at(shard: u8, after: Option<DeviceId>) -> Self {
        Self { shard, after }
    }

    /// The shard, and the device that it is behind.
    #[must_use]
    pub fn place(self) -> (u8, Option<DeviceId>) {
        (self.shard, self.after)
    }

    /// Behind this device.
    #[must_use]
    pub fn after(device: DeviceId) -> Self {
        Self {
            shard: shard(&device),
            after: Some(device),
        }
    }

    /// The beginning of the next shard; nowhere behind the last one.
    #[must_use]
    pub fn next_shard(&self) -> Option<Self> {
        let shard = self.shard.checked_add(1)?;
        Some(Self { shard, after: None })
    }

    /// Whether it is the beginning of a shard.
    #[must_use]
    pub fn begins_a_shard(&self) -> bool {
        self.after.is_none()
    }

    /// A position from its text; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, device) = text
            .split_once('.')
            .map_or((text, None), |(number, device)| (number, Some(device)));
        let device = device.map(DeviceId::parse).transpose().ok()?;
        let position = device.map_or_else(
            || {
                let shard = number.parse().ok()?;
                Some(Self { shard, after: None })
            },
            |device| Some(Self::after(device)),
        )?;
        (position.to_string() == text).then_some(position)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shard)?;
        match &self.after {
            Some(device) => write!(f, ".{}", device.as_str()),
            None => Ok(()),
        }
    }
}

impl Store {
    /// The items of the next devices in the order of the positions, at most `most` of them and of what one call reads, and
    /// where to go on; nowhere at the end. An item that cannot be read is left out and logged.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn shard(
        &self,
        position: &Position,
        most: usize,
    ) -> Result<(Vec<(DeviceId, Record)>, Option<Position>), Fault> {
        let (rows, next) = self.rows(position, most, None).await?;
        Ok((readable(&rows, whole).collect(), next))
    }

    /// The same, of what a send needs to know of them; those that have ended are not part of it.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn reach_of_shard(
        &self,
        position: &Position,
        most: usize,
    ) -> Result<(Vec<(DeviceId, Reach)>, Option<Position>), Fault> {
        let (rows, next) = self.rows(position, most, Some(REACH)).await?;
        Ok((readable(&rows, reach_of).collect(), next))
    }

    async fn rows(
        &self,
        position: &Position,
        most: usize,
        projection: Option<Projection>,
    ) -> Result<(Vec<Row>, Option<Position>), Fault> {
        let partition = format!("DEVICES#{}", position.shard);
        let after = position
            .after
            .as_ref()
            .map(|id| key(partition.as_str(), id.as_str()));
        let (rows, last) = self
            .query_attributes(&partition, Order::Rising, after, Some(most), projection)
            .await?;
        let next = match last {
            Some(last) => Some(Position {
                shard: position.shard,
                after: Some(id_of(&last)?),
            }),
            None => position.next_shard(),
        };
        Ok((rows, next))
    }
}

fn id_of(row: &Row) -> Result<DeviceId, Fault> {
    let id = super::rows::string(row, "sk")?;
    DeviceId::parse(id).map_err(|_| Fault::Broken("a shard names no device".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back_from_its_text_and_from_no_other() {
        let device = DeviceId::parse("a.b").unwrap();
        let inside = Position::after(device.clone());
        assert_eq!(inside.to_string(), format!("{}.a.b", shard(&device)));
        for position in [
            Position::first(),
            inside.clone(),
            inside.next_shard().unwrap(),
        ] {
            assert_eq!(Position::parse(&position.to_string()), Some(position));
        }
        let elsewhere = format!("{}.a.b", shard(&device).wrapping_add(1));
        for bad in ["", "256", "-1", "+1", "01", "7.", ".a", "7 ", &elsewhere] {
            assert_eq!(Position::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_last_shard_has_no_next_one() {
        let mut position = Position::first();
        for _ in 1..=u8::MAX {
            position = position.next_shard().unwrap();
        }
        assert_eq!(
            (position.to_string().as_str(), position.next_shard()),
            ("255", None)
        );
    }
}
