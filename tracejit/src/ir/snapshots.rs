//! All snapshots of a trace. There is one for every other instruction, so what they say lies in lists
//! that they share: nothing is allocated for a single one.
//!
//! Invariants:
//! - A snapshot's slots lie behind those of the snapshots before it.
//! - Points are only added. Traces that were rewritten name those of the trace that they come of, by
//!   the same indices.

use super::{Lists, Point, Ref, Snapshot, SnapshotSlot, VirtualObject};
use perilune_runtime::gc::charge;
use std::ops::Range;
use std::rc::Rc;

/// The snapshots of a trace, by index.
#[derive(Clone, Debug, Default)]
pub struct Snapshots {
    points: Rc<Vec<Point>>,
    slots: Vec<SnapshotSlot>,
    entries: Vec<Entry>,
}

/// What a snapshot says: see [`Snapshot`].
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    point: u32,
    slots: Range<u32>,
    objects: Vec<VirtualObject>,
    is_speculative: bool,
    unspent: i32,
}

/// A snapshot that none of [`Snapshots`] holds yet: see [`Snapshot`] for its parts.
#[derive(Clone, Debug)]
pub struct NewSnapshot {
    /// The index of its point.
    pub point: u32,
    /// Its slots.
    pub slots: Vec<SnapshotSlot>,
    /// Its virtual objects.
    pub objects: Vec<VirtualObject>,
    /// See [`Snapshot::is_speculative`].
    pub is_speculative: bool,
    /// See [`Snapshot::unspent`].
    pub unspent: i32,
}

impl Snapshots {
    /// None, in the memory of these lists.
    pub(super) fn in_lists(lists: &mut Lists) -> Snapshots {
        Snapshots {
            points: Rc::new(std::mem::take(&mut lists.points)),
            slots: std::mem::take(&mut lists.slots),
            entries: std::mem::take(&mut lists.entries),
        }
    }

    /// None, but the same points, in the memory of these lists.
    pub(super) fn like(other: &Snapshots, lists: &mut Lists) -> Snapshots {
        Snapshots {
            points: other.points.clone(),
            slots: std::mem::take(&mut lists.slots),
            entries: std::mem::take(&mut lists.entries),
        }
    }

    /// Makes room for so many more snapshots, which have so many slots in all.
    pub fn reserve(&mut self, snapshots: usize, slots: usize) {
        self.entries.reserve(snapshots);
        self.slots.reserve(slots);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many slots they have in all.
    pub fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The snapshot with this index.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub fn get(&self, index: u32) -> Snapshot<'_> {
        self.view(&self.entries[index as usize])
    }

    /// All of them, by index.
    pub fn iter(&self) -> impl Iterator<Item = Snapshot<'_>> {
        self.entries.iter().map(|entry| self.view(entry))
    }

    #[inline]
    fn view<'a>(&'a self, entry: &'a Entry) -> Snapshot<'a> {
        Snapshot {
            at: &self.points[entry.point as usize],
            slots: &self.slots[entry.slots.start as usize..entry.slots.end as usize],
            objects: &entry.objects,
            is_speculative: entry.is_speculative,
            unspent: entry.unspent,
        }
    }

    /// The index of a snapshot's point, by which other snapshots can name it.
    ///
    /// # Panics
    /// If there is no such snapshot.
    pub fn point_of(&self, index: u32) -> u32 {
        self.entries[index as usize].point
    }

    /// The index of the point that is added next.
    pub fn next_point(&self) -> u32 {
        self.points.len() as u32
    }

    /// Adds a point: its index.
    pub fn add_point(&mut self, point: Point) -> u32 {
        let points = Rc::make_mut(&mut self.points);
        points.push(point);
        points.len() as u32 - 1
    }

    /// Adds a snapshot: its index. `fill` appends its slots to the list that it is given.
    pub fn push(
        &mut self,
        point: u32,
        unspent: i32,
        fill: impl FnOnce(&mut Vec<SnapshotSlot>),
    ) -> u32 {
        let start = self.slots.len() as u32;
        fill(&mut self.slots);
        self.entries.push(Entry {
            point,
            slots: start..self.slots.len() as u32,
            objects: Vec::new(),
            is_speculative: false,
            unspent,
        });
        self.entries.len() as u32 - 1
    }

    /// Adds a snapshot: its index.
    pub fn add(&mut self, new: NewSnapshot) -> u32 {
        let index = self.push(new.point, new.unspent, |slots| {
            slots.extend_from_slice(&new.slots);
        });
        let entry = &mut self.entries[index as usize];
        entry.objects = new.objects;
        entry.is_speculative = new.is_speculative;
        index
    }

    /// The slots of the last snapshot.
    pub fn last_slots(&self) -> &[SnapshotSlot] {
        let slots = self.entries.last().map_or(0..0, |last| last.slots.clone());
        &self.slots[slots.start as usize..slots.end as usize]
    }

    /// Gives the last snapshot its virtual objects.
    pub fn set_last_objects(&mut self, objects: Vec<VirtualObject>) {
        if let Some(last) = self.entries.last_mut() {
            last.objects = objects;
        }
    }

    /// Drops all but the first ones.
    pub fn truncate(&mut self, count: usize) {
        if let Some(first) = self.entries.get(count) {
            self.slots.truncate(first.slots.start as usize);
            self.entries.truncate(count);
        }
    }

    /// Gives the values that they name other names.
    pub fn rename(&mut self, name: impl Fn(Ref) -> Ref) {
        for slot in &mut self.slots {
            slot.tag = name(slot.tag);
            slot.payload = name(slot.payload);
        }
        let objects = self.entries.iter_mut().flat_map(|entry| &mut entry.objects);
        for (tag, payload) in objects.flat_map(|object| &mut object.fields) {
            *tag = name(*tag);
            *payload = name(*payload);
        }
    }

    /// Changes what those from `first` on say of fuel.
    pub fn change_unspent(&mut self, first: usize, change: impl Fn(i32) -> i32) {
        for entry in &mut self.entries[first..] {
            entry.unspent = change(entry.unspent);
        }
    }

    /// The same in no more memory than they need, as they are to be kept.
    pub(super) fn packed(&mut self) -> Snapshots {
        let points = match Rc::get_mut(&mut self.points) {
            Some(points) => {
                let mut packed = Vec::with_capacity(points.len());
                packed.append(points);
                Rc::new(packed)
            }
            None => self.points.clone(),
        };
        Snapshots {
            points,
            slots: self.slots.as_slice().into(),
            entries: self.entries.drain(..).collect(),
        }
    }

    /// Drops the snapshots, but not the memory.
    pub(super) fn give_lists(self, lists: &mut Lists) {
        lists.slots = self.slots;
        lists.entries = self.entries;
        lists.points = Rc::try_unwrap(self.points).unwrap_or_default();
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        let of_object =
            |object: &VirtualObject| charge::list::<(Ref, Ref)>(object.fields.capacity());
        let of_entry = |entry: &Entry| {
            charge::list::<VirtualObject>(entry.objects.capacity())
                + entry.objects.iter().map(of_object).sum::<usize>()
        };
        // Behind an `Rc`.
        charge::block(size_of::<Vec<Point>>() + 2 * size_of::<usize>())
            + charge::list::<Point>(self.points.capacity())
            + self.points.iter().map(Point::bytes).sum::<usize>()
            + charge::list::<Entry>(self.entries.capacity())
            + charge::list::<SnapshotSlot>(self.slots.capacity())
            + self.entries.iter().map(of_entry).sum::<usize>()
    }
}
