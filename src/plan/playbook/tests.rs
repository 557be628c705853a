use super::*;
use serde_json::json;

fn context() -> Context {
    json!({
        "site": {
            "name": "odoo",
            "demo": true,
            "addons": [{"name": "web", "live": true}, {"name": "own", "live": false}],
            "none": [],
            "nothing": null,
            "http": {"port": 8069},
            "commit": "‹commit of 19.0›",
        },
        "release": {"packages": ["gcc", "git"]},
    })
    .into()
}

fn expand(source: &str) -> Result<Vec<Task>, Diagnostics> {
    Playbook::parse(Path::new("playbook.toml"), source)?.expand(&context())
}

fn tasks(source: &str) -> Vec<Task> {
    match expand(source) {
        Ok(tasks) => tasks,
        Err(errors) => panic!("{}", errors.render(80, false)),
    }
}

/// `id <- needs` of every task.
fn order(source: &str) -> Vec<String> {
    let arrow = |task: Task| format!("{} <- {}", task.id, task.needs.join(" "));
    tasks(source).into_iter().map(arrow).collect()
}

#[test]
fn a_reference_keeps_its_type_and_is_spliced() {
    let source = r#"
[[step]]
id = "a"
[step.thing]
text = "/etc/{{ site.name }}.conf"
port = "{{ site.http.port }}"
both = "{{site.http.port}}/{{ site.demo }}"
list = "{{ release.packages }}"
names = ["make", "{{ release.packages }}", "{{ site.name }}", ["{{ release.packages }}"]]
deep = { first = "{{ site.addons[0].name }}", number = 0x10, half = 0.5, yes = true }
mark = "{{ site.commit }}"
"#;
    let task = tasks(source).remove(0);
    assert_eq!(task.kind, "thing");
    assert_eq!(
        Value::Object(task.fields),
        json!({
            "text": "/etc/odoo.conf",
            "port": 8069,
            "both": "8069/true",
            "list": ["gcc", "git"],
            "names": ["make", "gcc", "git", "odoo", ["gcc", "git"]],
            "deep": {"first": "web", "number": 16, "half": 0.5, "yes": true},
            "mark": "‹commit of 19.0›",
        })
    );
    assert_eq!(&source[task.place.span], "thing");
}

#[test]
fn without_needs_a_step_needs_the_one_above() {
    let source = "[[step]]\nid='a'\nx={}\n[[step]]\nid='b'\nx={}\n[[step]]\nid='c'\nneeds=[]\nx={}\n[[step]]\nid='d'\nneeds=['a','c','a']\nx={}\n[[check]]\nx={}\n[[check]]\nid='up'\nx={}\n";
    assert_eq!(
        order(source),
        [
            "a <- ",
            "b <- a",
            "c <- ",
            "d <- a c",
            "check-1 <- ",
            "up <- "
        ]
    );
    let check = tasks(source).pop().unwrap();
    assert!(check.check);
}

#[test]
fn each_and_when() {
    let source = r#"
[[step]]
id = "a"
x = {}
[[step]]
id = "get-{{ item.name }}"
each = "site.addons"
x = { name = "{{ item.name }}" }
[[step]]
id = "live-{{ item.name }}"
needs = ["get-{{ item.name }}"]
each = "site.addons"
when = "item.live"
x = {}
[[step]]
id = "left-out"
when = "not site.demo"
x = {}
[[step]]
id = "none-{{ item }}"
each = "site.none"
x = {}
[[step]]
id = "last"
x = {}
[[step]]
id = "all"
needs = ["get-{{ item.name }}", "get-own", "left-out"]
x = {}
[[check]]
each = "site.addons"
x = {}
"#;
    assert_eq!(
        order(source),
        [
            "a <- ",
            "get-web <- a",
            "get-own <- a",
            "live-web <- get-web",
            "last <- live-web",
            "all <- get-web get-own live-web",
            "check-1-1 <- ",
            "check-1-2 <- ",
        ]
    );
}

const BASE: &str = r#"
[[step]]
id = "a"
x = {}
[[step]]
id = "left-out"
when = "not site.demo"
x = {}
[[step]]
id = "b"
x = {}
[[check]]
x = {}
"#;

fn extended(source: &str) -> Result<Vec<Task>, Diagnostics> {
    let base = Playbook::parse(Path::new("playbook.toml"), BASE)?;
    let extended = base.extended(Path::new("extra.toml"), source)?;
    extended.expand(&context())
}

#[test]
fn own_steps_are_put_before_and_after_others() {
    let source = r#"
[[step]]
id = "own-last"
after = "b"
x = {}
[[step]]
id = "own-first"
before = "left-out"
x = {}
[[step]]
id = "own-second"
before = "left-out"
needs = []
x = {}
[[step]]
id = "own-third-{{ item.name }}"
each = "site.addons"
after = "own-last"
x = {}
[[step]]
id = "own-leaf"
after = "a"
x = {}
[[check]]
x = {}
"#;
    let tasks = extended(source).unwrap_or_else(|errors| panic!("{}", errors.render(80, false)));
    let order: Vec<_> = tasks
        .iter()
        .map(|task| format!("{} <- {}", task.id, task.needs.join(" ")))
        .collect();
    assert_eq!(
        order,
        [
            "a <- ",
            "own-first <- a",
            "own-second <- ",
            "own-leaf <- a",
            "b <- a own-first own-second",
            "own-last <- b",
            "own-third-web <- own-last",
            "own-third-own <- own-last",
            "check-1 <- ",
            "own-check-1 <- ",
        ]
    );
}

#[test]
fn own_steps_that_are_refused() {
    let step = |lines: &str| format!("[[step]]\nid='own-x'\n{lines}\nx={{}}\n");
    for (source, line, part) in [
        (step(""), 2, "has no place"),
        (
            step("after='a'\nbefore='b'"),
            4,
            "either `after` or `before`",
        ),
        (step("after='bb'"), 3, "no step has the id `bb`"),
        (step("after='a'\nneeds=['b']"), 4, "is not above this step"),
        (
            step("after='a'\nneeds=['c']"),
            4,
            "no step above has the id `c`",
        ),
        (
            step("after='a'").replace("own-x", "x"),
            2,
            "does not begin with `own-`",
        ),
        (step("after='a'").repeat(2), 6, "two steps have the id"),
        (step("after='a'\nwhen='site.nam'"), 4, "unknown reference"),
        (step("after='own-y'"), 3, "no step has the id `own-y`"),
        ("[[step]]\n".to_owned(), 1, "has no `id`"),
    ] {
        let errors = extended(&source).expect_err(&source);
        assert_eq!(errors.path(), Path::new("extra.toml"));
        let first = &errors.items()[0];
        assert!(first.message.contains(part), "{source}\n{}", first.message);
        assert_eq!(errors.place(first).0, line, "{source}");
    }
}

#[test]
fn a_condition_compares_with_a_word() {
    for (when, expected) in [
        ("site.name == odoo", true),
        ("site.name == other", false),
        ("site.name != other", true),
        ("site.http.port == 8069", true),
        ("site.demo == true", true),
        ("site.nothing.below == x", false),
        ("site.nothing != x", true),
    ] {
        let source = format!("[[step]]\nid='a'\nx={{}}\n[[step]]\nid='b'\nwhen='{when}'\nx={{}}\n");
        assert_eq!(tasks(&source).len() == 2, expected, "{when}");
    }
    for (when, part) in [
        ("site.name ==", "compares with no word"),
        ("site.name == a b", "compares with no word"),
        ("site.nam == a", "unknown reference `site.nam`"),
        ("site.addons == a", "not a text or a number"),
        ("a b == a", "is not a reference"),
    ] {
        let source = format!("[[step]]\nid='a'\nwhen='{when}'\nx={{}}\n");
        let errors = expand(&source).expect_err(when);
        assert!(errors.items()[0].message.contains(part), "{errors}");
    }
}

#[test]
fn notes_are_rendered_and_empty_ones_are_none() {
    let source = "[[step]]\nid='a'\non_create=' for {{ site.name }}'\non_change='{% if not site.demo %}x{% endif %} '\nx={}\n";
    let notes = tasks(source).remove(0).notes;
    assert_eq!(notes.on_create.as_deref(), Some("for odoo"));
    assert_eq!(notes.on_change, None);
}

#[test]
fn every_error_is_told_at_once() {
    let source = r#"
[[step]]
id = "packages"
packages = { names = ["{{ release.package }}"] }

[[step]]
id = "conf"
needs = ["pakages"]
file = { path = "/etc/{{ site.nam }}.conf" }
link = { path = "/x" }

[[step]]
id = "packages"
nedds = ["conf"]

[[step]]
id = "early"
needs = ["late"]
when = "{{ site.demo }}"
file = { path = "{{ site.name" }

[[step]]
id = "late"
file = "/etc/x"
"#;
    insta::assert_snapshot!(expand(source).unwrap_err().render(80, false), @r#"
    error: no step above has the id `pakages`
     --> playbook.toml:8:10
      |
    8 | needs = ["pakages"]
      |          ^^^^^^^^^
      |
      = help: did you mean `packages`?

    error: this step has two resources, `file` and `link`
      --> playbook.toml:10:1
       |
    10 | link = { path = "/x" }
       | ^^^^ the second one
       |
       = help: write a `[[step]]` of its own for it

    error: this step has no resource
      --> playbook.toml:12:1
       |
    12 | [[step]]
       | ^^^^^^^^ no resource
       |
       = help: write one, such as `file = { path = "…" }`

    error: two steps have the id `packages`
      --> playbook.toml:13:6
       |
    13 | id = "packages"
       |      ^^^^^^^^^^ first on line 3
       |
       = help: give it another id

    error: unknown key `nedds` in `[[step]]`
      --> playbook.toml:14:1
       |
    14 | nedds = ["conf"]
       | ^^^^^ unknown key
       |
       = help: did you mean `needs`?

    error: `late` is not above this step
      --> playbook.toml:18:10
       |
    18 | needs = ["late"]
       |          ^^^^^^ it is on line 23
       |
       = help: a step needs only steps above it: move one of them

    error: `{{ site.demo }}` is not a reference
      --> playbook.toml:19:8
       |
    19 | when = "{{ site.demo }}"
       |        ^^^^^^^^^^^^^^^^^ a reference such as `site.apt.upgrade`
       |
       = help: without the braces: `when = "site.demo"`

    error: unexpected end of input
      --> playbook.toml:20:26
       |
    20 | file = { path = "{{ site.name" }
       |                          ^^^^

    error: expected a table for the resource `file`, found a string
      --> playbook.toml:24:8
       |
    24 | file = "/etc/x"
       |        ^^^^^^^^ expected a table for the resource `file`
       |
       = help: write `file = { … }`
    "#);
}

#[test]
fn what_a_context_does_not_have_is_told_at_once() {
    let source = r#"
[[step]]
id = "packages"
packages = { names = ["{{ release.package }}"], file = "\t{{ site.nam }}" }

[[step]]
id = "each"
each = "site.name"
when = "site.http.port"
file = { path = "/etc/{{ site.nam }}.conf", port = "{{ site.http.port.number }}" }

[[step]]
id = "same"
each = "site.addons"
needs = ["eech"]
file = {}
"#;
    insta::assert_snapshot!(expand(source).unwrap_err().render(80, false), @r#"
    error: unknown reference `release.package`
     --> playbook.toml:4:27
      |
    4 | packages = { names = ["{{ release.package }}"], file = "\t{{ site.nam }}" }
      |                           ^^^^^^^^^^^^^^^
      |
      = help: did you mean `release.packages`?

    error: unknown reference `site.nam`
     --> playbook.toml:4:56
      |
    4 | packages = { names = ["{{ release.package }}"], file = "\t{{ site.nam }}" }
      |                                                        ^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `site.name`?

    error: `site.name` is a text, not a list
     --> playbook.toml:8:8
      |
    8 | each = "site.name"
      |        ^^^^^^^^^^^ not a list

    error: two tasks have the id `same`
      --> playbook.toml:13:6
       |
    13 | id = "same"
       |      ^^^^^^
       |
       = help: make it differ with `{{ item… }}`

    error: no step above has the id `eech`
      --> playbook.toml:15:10
       |
    15 | needs = ["eech"]
       |          ^^^^^^
       |
       = help: did you mean `each`?
    "#);
}

#[test]
fn what_is_refused() {
    for (source, line, part) in [
        ("", 1, "a playbook has steps"),
        ("[[steps]]\nid='a'\n", 1, "unknown key `steps`"),
        ("[step]\nid='a'\nx={}\n", 1, "expected a list of tables"),
        ("[[step]]\nx={}\n", 1, "has no `id`"),
        ("[[step]]\nid='a'\n", 1, "no resource"),
        ("[[step]]\nid='a b'\nx={}\n", 2, "cannot be an id"),
        ("[[step]]\nid=''\nx={}\n", 2, "cannot be an id"),
        ("[[step]]\nid=1\nx={}\n", 2, "expected a string"),
        ("[[step]]\nid='a'\nneeds='b'\nx={}\n", 3, "expected a list"),
        ("[[step]]\nid='a'\nneeds=['a']\nx={}\n", 3, "is not above"),
        ("[[step]]\nid='a'\nneeds=['b']\nx={}\n", 3, "no step above"),
        (
            "[[step]]\nid='a'\nx={}\n[[check]]\nneeds=['a']\nx={}\n",
            5,
            "after all steps",
        ),
        ("[[step]]\nid='a'\nx={}\n[[check]]\n", 4, "no resource"),
        (
            "[[step]]\nid='a'\nx={}\n[[check]]\nid='a'\nx={}\n",
            5,
            "two tasks",
        ),
        (
            "[[step]]\nid='a'\nx={}\n[[check]]\nx={}\ny={}\n",
            6,
            "two resources",
        ),
        ("[[step]]\nid='a'\nx={a=1979-05-27}\n", 3, "a date or time"),
        ("[[step]]\nid='a'\nx={a=inf}\n", 3, "this number"),
        ("[[step]]\nid='a'\nx={a='{{ 1 +'}\n", 3, ""),
        (
            "[[step]]\nid='a-{{ item.id }}'\neach='site.addons'\nx={}\n",
            2,
            "unknown reference `item.id`",
        ),
        (
            "[[step]]\nid='a'\nwhen='site.demo and 1'\nx={}\n",
            3,
            "not a reference",
        ),
        (
            "[[step]]\nid='a'\nwhen='site.dmo'\nx={}\n",
            3,
            "unknown reference `site.dmo`",
        ),
        (
            "[[step]]\nid='a'\neach='site'\nx={}\n",
            3,
            "is a table, not a list",
        ),
        (
            "[[step]]\nid='{{ site.name }}'\nx={}\n[[step]]\nid='b'\nneeds=['odo']\nx={}\n",
            6,
            "no step above",
        ),
        ("[[step\n", 1, ""),
    ] {
        let errors = expand(source).unwrap_err();
        let first = &errors.items()[0];
        assert_eq!(
            errors.place(first).0,
            line,
            "{source}\n{}",
            errors.render(80, false)
        );
        assert!(first.message.contains(part), "{source}\n{}", first.message);
    }
}

proptest::proptest! {
    #[test]
    fn nothing_panics(body in "(\\[\\[step\\]\\]|\\[\\[check\\]\\]|id|needs|when|each|x|=|'|\"|\\{\\{|\\}\\}|\\{%|%\\}|\\{#|if|site|\\.|name|item|\n|\r|\t| |\\{|\\}|\\[|\\]|,|ä|\\\\u00e4|not ){0,60}") {
        if let Err(errors) = expand(&body) {
            assert!(!errors.render(80, true).is_empty());
        }
        let step = format!("[[step]]\nid = 'a'\nx = {{ y = \"\"\"\n{body}\"\"\", z = '''{body}''' }}\n");
        if let Err(errors) = expand(&step) {
            assert!(!errors.render(40, false).is_empty());
        }
        for own in [body.clone(), format!("[[step]]\nid = 'own-a'\nafter = 'a'\n{body}\n"), format!("[[step]]\nid = 'own-a'\nbefore = 'b'\nx = {{}}\n{body}\n")] {
            if let Err(errors) = extended(&own) {
                assert!(!errors.render(40, false).is_empty());
            }
        }
        if let Err(errors) = crate::text::template::render("t", &body, &context()) {
            assert!(!errors.render(80, false).is_empty());
        }
    }
}
