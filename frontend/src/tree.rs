//! Where syntax trees live: every kind of node has a pool, and nodes name each other by number.
//!
//! So a node is written once, where it stays, and only its number is handed around; trees need no
//! allocation per node and nothing to be dropped node by node.
//!
//! Invariants:
//! - A number or list is only used with the [`Tree`] that gave it.
//! - [`Trees::main`] has the nodes of the main function, [`Trees::inner`] those of all functions
//!   in it: the second is emptied whenever the functions in it are compiled. A [`Function`] itself
//!   is a node of the function around it; its parameters and body are in `inner`.

use crate::ast::{
    Call, Expr, Function, GenericFor, IfArm, LocalDecl, MethodCall, NumericFor, Stat, TableItem,
};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The number of a node.
pub struct Id<T>(u32, PhantomData<fn() -> T>);

/// Nodes in a row.
pub struct List<T> {
    start: u32,
    length: u32,
    node: PhantomData<fn() -> T>,
}

/// The number of an expression.
pub type ExprId = Id<Expr>;
/// Expressions in a row.
pub type Exprs = List<ExprId>;

/// What trees consist of.
pub trait Node: Sized {
    /// The pool of these nodes.
    fn pool(tree: &Tree) -> &Vec<Self>;
    /// The same, to change it.
    fn pool_mut(tree: &mut Tree) -> &mut Vec<Self>;
}

macro_rules! pools {
    ($($field:ident: $node:ty,)*) => {
        /// The nodes of some functions, by kind.
        #[derive(Debug, Default)]
        pub struct Tree {
            $($field: Vec<$node>,)*
        }

        impl Tree {
            /// Removes all nodes, but keeps room for others.
            pub fn clear(&mut self) {
                $(self.$field.clear();)*
            }
        }

        $(impl Node for $node {
            #[inline]
            fn pool(tree: &Tree) -> &Vec<Self> {
                &tree.$field
            }

            #[inline]
            fn pool_mut(tree: &mut Tree) -> &mut Vec<Self> {
                &mut tree.$field
            }
        })*
    };
}

pools! {
    exprs: Expr,
    lists: ExprId,
    calls: Call,
    method_calls: MethodCall,
    items: TableItem,
    runs: Vec<(i32, crate::ast::Line)>,
    stats: Stat,
    arms: IfArm,
    numeric_fors: NumericFor,
    generic_fors: GenericFor,
    names: LocalDecl,
    functions: Function,
}

impl Tree {
    /// Adds a node.
    #[inline]
    pub fn add<T: Node>(&mut self, node: T) -> Id<T> {
        let pool = T::pool_mut(self);
        let number = pool.len() as u32;
        pool.push(node);
        Id(number, PhantomData)
    }

    /// Adds the last nodes of `stack`, from `start` on, which are taken from it.
    #[inline]
    pub fn add_list<T: Node>(&mut self, stack: &mut Vec<T>, start: usize) -> List<T> {
        let pool = T::pool_mut(self);
        let list = List {
            start: pool.len() as u32,
            length: (stack.len() - start) as u32,
            node: PhantomData,
        };
        if pool.is_empty() && start == 0 && stack.len() >= MIN_MOVED {
            std::mem::swap(pool, stack);
        } else {
            pool.extend(stack.drain(start..));
        }
        list
    }

    /// Removes the node if it was added last.
    #[inline]
    pub fn remove_last<T: Node>(&mut self, id: Id<T>) {
        let pool = T::pool_mut(self);
        if id.0 as usize + 1 == pool.len() {
            pool.pop();
        }
    }

    /// How many nodes of a kind there are; they are numbered from 0.
    pub fn count<T: Node>(&self) -> usize {
        T::pool(self).len()
    }

    /// All nodes of a kind from number `first` on.
    pub fn from_mut<T: Node>(&mut self, first: usize) -> &mut [T] {
        &mut T::pool_mut(self)[first..]
    }
}

/// A list at least this long that has its stack for itself is not copied.
const MIN_MOVED: usize = 64;

/// The trees of a chunk.
#[derive(Debug, Default)]
pub struct Trees {
    /// The nodes of the main function.
    pub main: Tree,
    /// The nodes of the functions in it.
    pub inner: Tree,
}

/// A text with this many bytes may well have an expression or an entry of a table; some have more.
const BYTES_PER_NODE: usize = 8;
/// For shorter texts growing is cheap.
const MIN_RESERVED: usize = 1 << 16;

impl Trees {
    /// No trees yet, but room for those of a text of `length` bytes if that is long: room that is
    /// not used costs nothing, but moving trees that have outgrown theirs does.
    pub(crate) fn for_text(length: usize) -> Self {
        let mut trees = Self::default();
        if length >= MIN_RESERVED {
            let nodes = length / BYTES_PER_NODE;
            // A failure shows when the room is needed.
            let _ = trees.main.exprs.try_reserve(nodes);
            let _ = trees.main.items.try_reserve(nodes);
        }
        trees
    }

    /// The tree of the nodes of a function inside `depth` others.
    #[inline]
    pub(crate) fn of_depth(&mut self, depth: usize) -> &mut Tree {
        if depth == 0 {
            &mut self.main
        } else {
            &mut self.inner
        }
    }
}

impl<T: Node> Index<Id<T>> for Tree {
    type Output = T;

    #[inline]
    fn index(&self, id: Id<T>) -> &T {
        &T::pool(self)[id.0 as usize]
    }
}

impl<T: Node> IndexMut<Id<T>> for Tree {
    #[inline]
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        &mut T::pool_mut(self)[id.0 as usize]
    }
}

impl<T: Node> Index<List<T>> for Tree {
    type Output = [T];

    #[inline]
    fn index(&self, list: List<T>) -> &[T] {
        let start = list.start as usize;
        &T::pool(self)[start..start + list.length as usize]
    }
}

impl<T: Node> IndexMut<List<T>> for Tree {
    #[inline]
    fn index_mut(&mut self, list: List<T>) -> &mut [T] {
        let start = list.start as usize;
        &mut T::pool_mut(self)[start..start + list.length as usize]
    }
}

impl<T> List<T> {
    /// How many nodes there are.
    pub fn len(self) -> usize {
        self.length as usize
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The list without its first node, which must exist.
    pub fn rest(self) -> Self {
        Self {
            start: self.start + 1,
            length: self.length - 1,
            ..self
        }
    }

    /// The list with the node before it, which must exist.
    pub fn with_previous(self) -> Self {
        Self {
            start: self.start - 1,
            length: self.length + 1,
            ..self
        }
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            start: 0,
            length: 0,
            node: PhantomData,
        }
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}+{}", self.start, self.length)
    }
}
