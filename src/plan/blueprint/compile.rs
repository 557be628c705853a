//! Compiles the tasks of a playbook to a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Blueprint, Error, beside, earlier};
use crate::check::{Check, Probe};
use crate::plan::playbook::{Place, Task};
use crate::plan::{Plan, Step, Unknown};
use crate::resource::AnyResource;
use crate::text::diagnostic::{Invalid, did_you_mean};
use crate::text::template::{self, Context};

/// Paths of files that a service reads, by the step that makes each.
type Inputs = BTreeMap<String, String>;

impl Blueprint {
    /// The names that templates can refer to, with their values.
    ///
    /// # Errors
    /// If the playbook does not fit the site.
    pub fn context(&self) -> Result<Context, Error> {
        Ok(self.tasks()?.context)
    }

    /// The tasks of the playbook, what they read, and the names for templates, which include that as `reads`.
    fn tasks(&self) -> Result<Expanded, Error> {
        let mut names = self.names()?;
        earlier::of_playbooks(&mut names, &self.site);
        let tasks = self.playbook.expand(&names.clone().into())?;
        let (mut reads, mut paths) = (Vec::new(), Map::new());
        for (place, task) in tasks.iter().enumerate() {
            let read = self.read_by(&tasks, place)?;
            if let Some(read) = &read {
                paths.insert(
                    task.id.clone(),
                    json!(read.files.values().collect::<Vec<_>>()),
                );
            }
            reads.push(read);
        }
        names["reads"] = Value::Object(paths);
        earlier::of_templates(&mut names);
        Ok(Expanded {
            tasks,
            reads,
            context: names.into(),
        })
    }

    /// Compiles the plan. Values that are not known yet are replaced by markers.
    ///
    /// # Errors
    /// If the playbook or a template does not fit the site.
    pub fn compile(&self) -> Result<Plan, Error> {
        let Expanded {
            tasks,
            reads,
            context,
        } = self.tasks()?;
        let unknowns = self.unknowns();
        let mut plan = Plan::default();
        let mut own = Vec::new();
        for (task, read) in tasks.iter().zip(&reads) {
            if task.check {
                self.add_check(&mut plan, task)?;
                continue;
            }
            let (resource, awaits) = self.resource(task, read.as_ref(), &context, &unknowns)?;
            let read = read.iter().flat_map(Read::steps);
            let mut needs: Vec<usize> = read
                .chain(&task.needs)
                .filter_map(|id| plan.steps.iter().rposition(|step| step.id == *id))
                .collect();
            let mut seen = BTreeSet::new();
            needs.retain(|need| seen.insert(*need));
            own.push(task.place.is_own());
            plan.steps.push(Step {
                id: task.id.clone(),
                needs,
                resource,
                awaits,
                trials: Vec::new(),
                notes: task.notes.clone(),
            });
        }
        if own.contains(&true) {
            self.separate(&plan, &tasks, &own)?;
            queue(&mut plan, &own);
        }
        Ok(plan)
    }

    /// Adds a check, to be made at the end of a run or before a step changes what exists.
    fn add_check(&self, plan: &mut Plan, task: &Task) -> Result<(), Error> {
        let check = self.check(task)?;
        let Some(before) = &check.before else {
            plan.checks.push(check);
            return Ok(());
        };
        // if the step was left out, so is its check
        if let Some(step) = plan.steps.iter_mut().find(|step| step.id == *before) {
            step.trials.push(check);
        }
        Ok(())
    }

    /// Returns the resource of a task that reads `read`, and the unknown value that it waits for. Markers are searched
    /// in the task's fields, because a serialised resource does not contain all of its fields.
    fn resource(
        &self,
        task: &Task,
        read: Option<&Read>,
        context: &Context,
        unknowns: &[Unknown],
    ) -> Result<(AnyResource, Option<Unknown>), Error> {
        let mut fields = task.fields.clone();
        if let Some(Value::String(name)) = fields.remove("template") {
            let target = fields.get("path").and_then(Value::as_str);
            let (path, text) = beside::file(&self.folder, &name, target)?;
            let content = template::render(&path.display().to_string(), &text, context)?;
            fields.insert("content".into(), content.into());
        }
        if task.kind == "service" && task.place.is_own() {
            fields.entry("listens").or_insert(false.into());
        }
        if let Some(read) = read {
            fields.insert("inputs".into(), json!(read.files));
            fields.remove("certificates");
            if !read.certificates.is_empty() {
                fields.insert("certificates".into(), json!(read.certificates));
            }
        }
        let value = Value::Object(Map::from_iter([(task.kind.clone(), Value::Object(fields))]));
        let awaits = unknowns
            .iter()
            .find(|unknown| contains(&value, &unknown.marker()));
        let resource = serde_json::from_value(value)
            .map_err(|e| self.wrong(&task.kind, &task.place, &e, AnyResource::KINDS))?;
        Ok((resource, awaits.cloned()))
    }

    /// What a task reads, by the ids in its `inputs`: the paths that steps above it make. A step that was left out has
    /// none. `None` if the task has no such ids.
    fn read_by(&self, tasks: &[Task], place: usize) -> Result<Option<Read>, Error> {
        let (above, task, below) = (&tasks[..place], &tasks[place], &tasks[place..]);
        let Some(mut patterns) = patterns(task, "inputs") else {
            return Ok(None);
        };
        patterns.extend(self::patterns(task, "certificates").unwrap_or_default());
        let mut read = Read::default();
        for pattern in &patterns {
            let fits = |id: &str| match pattern.strip_suffix('*') {
                Some(start) => id.starts_with(start),
                None => id == pattern,
            };
            let mut found = false;
            for input in above.iter().filter(|other| !other.check && fits(&other.id)) {
                found = true;
                let Some(path) = input.fields.get("path").and_then(Value::as_str) else {
                    let error = Invalid::new(format!("the step `{}` makes no file", input.id));
                    let error = error.hint("`inputs` are the ids of steps that have a `path`");
                    return Err(self.playbook.wrong(&task.place, error).into());
                };
                let paths = if input.kind == "certificate" {
                    &mut read.certificates
                } else {
                    &mut read.files
                };
                paths.insert(input.id.clone(), path.to_owned());
            }
            let is_left_out =
                self.playbook.has(pattern) && below.iter().all(|task| task.id != *pattern);
            if !found && !pattern.ends_with('*') && !is_left_out {
                let error = Invalid::new(format!("`inputs`: no step above has the id `{pattern}`"));
                let ids = above.iter().map(|task| task.id.as_str());
                let error = match did_you_mean(pattern, ids) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                };
                return Err(self.playbook.wrong(&task.place, error).into());
            }
        }
        Ok(Some(read))
    }

    fn check(&self, task: &Task) -> Result<Check, Error> {
        let mut fields = task.fields.clone();
        let mut check = Map::new();
        for key in ["unit", "within", "after_change", "before", "because"] {
            check.extend(fields.remove(key).map(|value| (key.to_owned(), value)));
        }
        check.insert(
            "probe".into(),
            Value::Object(Map::from_iter([(task.kind.clone(), Value::Object(fields))])),
        );
        serde_json::from_value(Value::Object(check))
            .map_err(|e| self.wrong(&task.kind, &task.place, &e, Probe::KINDS))
    }

    fn wrong(&self, kind: &str, place: &Place, error: &serde_json::Error, kinds: &[&str]) -> Error {
        let wrong = if kinds.contains(&kind) {
            Invalid::new(format!("`{kind}`: {error}"))
        } else {
            let hint = did_you_mean(kind, kinds.iter().copied()).map_or_else(
                || format!("the kinds are `{}`", kinds.join("`, `")),
                |near| format!("did you mean `{near}`?"),
            );
            Invalid::new(format!("there is no kind `{kind}`")).hint(hint)
        };
        self.playbook.wrong(place, wrong).into()
    }

    /// Refuses an administrator's step that makes the same resource as another step: each would undo the other's
    /// change.
    fn separate(&self, plan: &Plan, tasks: &[Task], own: &[bool]) -> Result<(), Error> {
        let thing = |resource: &AnyResource| {
            let subject = resource.subject();
            let kind = if subject.starts_with('/') {
                ""
            } else {
                resource.kind()
            };
            (kind, subject)
        };
        for (place, step) in plan
            .steps
            .iter()
            .enumerate()
            .filter(|(place, _)| own[*place])
        {
            let mut others = plan.steps.iter().enumerate();
            let same = others.find(|(other, there)| {
                *other != place && thing(&there.resource) == thing(&step.resource)
            });
            if let Some((_, other)) = same {
                let subject = step.resource.subject();
                let error = Invalid::new(format!(
                    "`{subject}` is what the step `{}` makes too",
                    other.id
                ));
                return Err(self.playbook.wrong(&tasks[place].place, error).into());
            }
        }
        Ok(())
    }
}

/// A playbook, expanded for one site.
struct Expanded {
    tasks: Vec<Task>,
    /// What each task reads, in the same order.
    reads: Vec<Option<Read>>,
    /// The names that templates can refer to.
    context: Context,
}

/// What a service reads.
#[derive(Default)]
struct Read {
    /// Files and links.
    files: Inputs,
    /// Files with certificates. Only the certificates in them are compared.
    certificates: Inputs,
}

impl Read {
    /// The steps that make what is read.
    fn steps(&self) -> impl Iterator<Item = &String> {
        self.files.keys().chain(self.certificates.keys())
    }
}

/// The ids, or beginnings of ids, in a field of a task. `None` if there is no such field, or if it has paths already.
fn patterns(task: &Task, field: &str) -> Option<Vec<String>> {
    let list = task.fields.get(field)?.as_array()?.iter();
    Some(list.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Adds needs between an administrator's steps and other steps that use the same exclusive thing: apt and the files of
/// accounts, or PostgreSQL while it is set up. Only one step at a time can use these.
fn queue(plan: &mut Plan, own: &[bool]) {
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for place in 0..plan.steps.len() {
        let Some(what) = plan.steps[place].resource.occupies() else {
            continue;
        };
        if let Some(before) = last.insert(what, place)
            && (own[place] || own[before])
            && !plan.steps[place].needs.contains(&before)
        {
            plan.steps[place].needs.push(before);
        }
    }
}

/// Whether any text in `value` contains `marker`.
fn contains(value: &Value, marker: &str) -> bool {
    match value {
        Value::String(text) => text.contains(marker),
        Value::Array(items) => items.iter().any(|item| contains(item, marker)),
        Value::Object(fields) => fields.values().any(|field| contains(field, marker)),
        _ => false,
    }
}
