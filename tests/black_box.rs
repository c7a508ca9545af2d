//! Tells every story to a server: a local one of this process, or the one that `USERPUSH_URL` names. Then searches what the
//! functions of this process wrote meanwhile.

use libtest_mimic::{Arguments, Completion, Trial};
use std::error::Error;
use std::process::ExitCode;
use tests::{Place, Written};
use tokio::runtime::Runtime;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = Arguments::from_args();
    // Stories wait more than they work.
    arguments.test_threads.get_or_insert(8);
    let place = Place::from_environment();
    let all_here = place.is_here() && arguments.filter.is_none() && arguments.skip.is_empty();
    let written = all_here.then(Written::record).transpose()?;
    let runtime = Runtime::new()?;
    let stories = libtest_mimic::run(&arguments, tests::trials(place, runtime.handle()));

    let a_story_failed = stories.has_failed();
    let search = Trial::ignorable_test(
        "no_log_line_and_no_metric_holds_a_secret_a_token_or_a_user_id",
        move || match written {
            None => Ok(Completion::ignored_with(
                "it needs all stories, told to servers of this process",
            )),
            Some(_) if a_story_failed => {
                Err("a story failed: what it would have written is not known".into())
            }
            Some(written) => written.search().map(|()| Completion::Completed),
        },
    );
    let search = libtest_mimic::run(&arguments, vec![search]);
    Ok(if a_story_failed {
        stories.exit_code()
    } else {
        search.exit_code()
    })
}
