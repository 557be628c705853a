//! How a section of `site.toml` is declared: once, with the types, the defaults and the documentation of its keys.

use std::ops::Range;

use toml::Spanned;

use super::about::{About, Absent, Key};
use super::read::Errors;
use super::setting::Setting;
use crate::text::reader::Table;

/// A table of `site.toml`. [`section!`] implements the trait.
pub(super) trait Section: Sized {
    /// The values as they were written, each with its place.
    type Written;

    /// How the table is written in the file.
    const HEADER: &'static str;

    /// Takes the keys of the section out of `table`.
    fn take(table: &mut Table<'_, '_>) -> Self::Written;

    /// Returns the section, unless a value without a default is absent or wrong.
    fn value(written: &Self::Written) -> Option<Self>;

    /// Returns the place of the table.
    fn place(written: &Self::Written) -> Range<usize>;

    /// Describes the section and its keys.
    fn about() -> About;

    /// Returns the key of the table in the file.
    fn key() -> &'static str {
        Self::HEADER.trim_matches(['[', ']'])
    }

    /// Takes the section out of the file, and notes its errors.
    fn written(root: &mut Table<'_, '_>, errors: &mut Errors) -> Self::Written {
        Self::finish(root.table(Self::key()), errors)
    }

    /// Takes all keys out of `table`, and notes its errors.
    fn finish(mut table: Table<'_, '_>, errors: &mut Errors) -> Self::Written {
        let written = Self::take(&mut table);
        errors.items.extend(table.finish());
        written
    }
}

/// What one or several keys of a section hold: a field of its struct.
pub(super) trait Field {
    /// The type of the field.
    type Value;
    /// The field as it was written.
    type Written;

    /// Takes the field out of `table`; errors are noted in `table`.
    fn take(table: &mut Table<'_, '_>, key: &'static str) -> Self::Written;

    /// Returns the value, unless it is needed and is absent or wrong.
    fn value(written: &Self::Written) -> Option<Self::Value>;

    /// Describes the keys of the field; `key` is what the declaration says.
    fn keys(key: Key) -> Vec<Key>;
}

/// A value as it was written: absent, wrong, or right and with its place.
#[derive(Debug)]
pub(super) struct Given<T> {
    /// Whether the file does not have the key.
    pub(super) absent: bool,
    /// The value, if it is right.
    pub(super) right: Option<Spanned<T>>,
}

impl<T> Given<T> {
    fn take(table: &mut Table<'_, '_>, key: &'static str) -> Self
    where
        T: Setting,
    {
        Self {
            absent: !table.has(key),
            right: table.take(key),
        }
    }

    /// Returns the right value.
    pub(super) fn get(&self) -> Option<&T> {
        self.right.as_ref().map(Spanned::get_ref)
    }

    /// Returns the place of the right value.
    pub(super) fn span(&self) -> Option<Range<usize>> {
        self.right.as_ref().map(Spanned::span)
    }

    /// Sets a default that depends on other keys.
    pub(super) fn or(&mut self, default: Option<T>) {
        if self.absent {
            self.right = default.map(|value| Spanned::new(0..0, value));
        }
    }
}

/// A key with one value.
impl<T: Setting> Field for T {
    type Value = T;
    type Written = Given<T>;

    fn take(table: &mut Table<'_, '_>, key: &'static str) -> Given<T> {
        Given::take(table, key)
    }

    fn value(written: &Given<T>) -> Option<T> {
        written.get().cloned()
    }

    fn keys(key: Key) -> Vec<Key> {
        vec![key.holds::<T>(Absent::Refused)]
    }
}

/// A key that may be left out.
impl<T: Setting> Field for Option<T> {
    type Value = Self;
    type Written = Given<T>;

    fn take(table: &mut Table<'_, '_>, key: &'static str) -> Given<T> {
        Given::take(table, key)
    }

    fn value(written: &Given<T>) -> Option<Self> {
        Some(written.get().cloned())
    }

    fn keys(key: Key) -> Vec<Key> {
        vec![key.holds::<T>(Absent::Nothing)]
    }
}

/// A key with a list of values.
impl<T: Setting> Field for Vec<T> {
    type Value = Self;
    type Written = Vec<Spanned<T>>;

    fn take(table: &mut Table<'_, '_>, key: &'static str) -> Vec<Spanned<T>> {
        table.list(key).unwrap_or_default()
    }

    fn value(written: &Vec<Spanned<T>>) -> Option<Self> {
        Some(written.iter().map(|one| one.get_ref().clone()).collect())
    }

    fn keys(key: Key) -> Vec<Key> {
        vec![key.lists::<T>()]
    }
}

/// A key with a table, `key = { … }`.
pub(super) struct Inline<S>(std::marker::PhantomData<S>);

impl<S: Section> Field for Inline<S> {
    type Value = Option<S>;
    type Written = Option<S::Written>;

    fn take(table: &mut Table<'_, '_>, key: &'static str) -> Option<S::Written> {
        let mut inner = table.inline(key, "{ file = \"/path\" }")?;
        let written = S::take(&mut inner);
        table.errors_of(inner);
        Some(written)
    }

    fn value(written: &Option<S::Written>) -> Option<Option<S>> {
        match written {
            Some(written) => S::value(written).map(Some),
            None => Some(None),
        }
    }

    fn keys(key: Key) -> Vec<Key> {
        vec![key.nests::<S>()]
    }
}

/// Declares a section: `key: Type = default,` for each of its keys, below the documentation of the key.
///
/// - Without a default an `Option` is `None`, a `Vec` is empty, and any other type is needed.
/// - `=> "words"` says a default that depends on other keys; the section's rules set the default.
/// - `as Reader` names another [`Field`] that makes the type, for instance out of several keys.
///
/// The order of the keys is their order in messages, in the reference, and in what playbooks read.
macro_rules! section {
    (@reader $type:ty) => { $type };
    (@reader $type:ty, $reader:ty) => { $reader };
    (@default) => { None };
    (@default $default:expr) => { Some($default) };
    (@absent) => { None };
    (@absent = $default:expr) => {
        Some($crate::site::about::Absent::Default(serde_json::to_value($default).unwrap_or_default()))
    };
    (@absent => $words:literal) => { Some($crate::site::about::Absent::Derived($words)) };
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $name:ident from $written:ident in $header:literal {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)+)])?
                $field:ident: $type:ty $(as $reader:ty)? $(= $default:expr)? $(=> $words:literal)?,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        $vis struct $name {
            $($(#[doc = $doc])+ $(#[serde($($serde)+)])? $vis $field: $type,)+
        }

        #[doc = concat!("`", $header, "` as it was written.")]
        #[derive(Debug)]
        pub(in crate::site) struct $written {
            table: std::ops::Range<usize>,
            $($(#[doc = $doc])+ pub(in crate::site) $field: <section!(@reader $type $(, $reader)?) as $crate::site::section::Field>::Written,)+
        }

        impl $crate::site::section::Section for $name {
            type Written = $written;

            const HEADER: &'static str = $header;

            fn take(table: &mut $crate::text::reader::Table<'_, '_>) -> $written {
                use $crate::site::section::Field;
                $written {
                    table: table.span(),
                    $($field: <section!(@reader $type $(, $reader)?) as Field>::take(table, stringify!($field)),)+
                }
            }

            fn value(written: &$written) -> Option<Self> {
                use $crate::site::section::Field;
                Some(Self {
                    $($field: <section!(@reader $type $(, $reader)?) as Field>::value(&written.$field)
                        .or_else(|| section!(@default $($default)?))?,)+
                })
            }

            fn place(written: &$written) -> std::ops::Range<usize> {
                written.table.clone()
            }

            fn about() -> $crate::site::about::About {
                use $crate::site::section::Field;
                let keys = [$(<section!(@reader $type $(, $reader)?) as Field>::keys($crate::site::about::Key::new(
                    stringify!($field),
                    &[$($doc),+],
                    section!(@absent $(= $default)? $(=> $words)?),
                )),)+];
                $crate::site::about::About {
                    header: $header,
                    meaning: $crate::site::about::prose(&[$($about),+]),
                    keys: keys.into_iter().flatten().collect(),
                }
            }
        }
    };
}
pub(super) use section;
