//! What a template allows as the value of a parameter, by the rules of CloudFormation.

use super::intrinsic::Scope;
use crate::Error;
use regex_lite::Regex;
use serde_json::Value;

/// A parameter as the template declares it.
pub struct Parameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its declaration.
    pub declared: &'a Value,
    /// What the declaration is resolved in.
    pub scope: &'a Scope,
}

impl Parameter<'_> {
    /// What `Ref` gives for this value: a list where the type is one, else text.
    pub fn reference(&self, value: &str) -> Value {
        if self.is_list() {
            items(value).map(Value::from).collect()
        } else {
            Value::from(value)
        }
    }

    /// That the template allows the value.
    ///
    /// # Errors
    /// The name of the parameter, and what its value must be.
    pub fn check(&self, value: &str) -> Result<(), Error> {
        let allowed = if self.is_list() {
            items(value).try_for_each(|item| self.check_text(item))
        } else {
            self.check_text(value)
        };
        allowed.and_then(|()| self.check_size(value))
    }

    fn check_text(&self, value: &str) -> Result<(), Error> {
        if let Some(allowed) = self.declared.get("AllowedValues") {
            let allowed = self.scope.list(allowed)?;
            let allowed = allowed.iter().map(|value| self.scope.text(value));
            let allowed: Vec<String> = allowed.collect::<Result<_, _>>()?;
            if !allowed.iter().any(|allowed| allowed == value) {
                let rule = format!("must be one of {}", allowed.join(", "));
                return Err(self.refused(&rule, value));
            }
        }
        if let Some(pattern) = self.text("AllowedPattern")? {
            // CloudFormation compares the whole value.
            if !Regex::new(&format!("^(?:{pattern})$"))?.is_match(value) {
                return Err(self.refused(&format!("must match {pattern}"), value));
            }
        }
        Ok(())
    }

    /// The range of a number, or of the number of characters of a text.
    fn check_size(&self, value: &str) -> Result<(), Error> {
        let (size, least, most, what) = if self.declared["Type"] == "Number" {
            let number: Option<f64> = value.parse().ok();
            let number = number.filter(|number| number.is_finite());
            (number, "MinValue", "MaxValue", "a number")
        } else {
            let length = u32::try_from(value.chars().count()).ok();
            let length = length.map(f64::from);
            (length, "MinLength", "MaxLength", "a text with a length")
        };
        let (least, most) = (self.text(least)?, self.text(most)?);
        let bound = |text: &Option<String>| text.as_ref().map(|text| text.parse()).transpose();
        let (above, below): (Option<f64>, Option<f64>) = (bound(&least)?, bound(&most)?);
        let fits = |size: f64| {
            above.is_none_or(|least| size >= least) && below.is_none_or(|most| size <= most)
        };
        if size.is_some_and(fits) {
            return Ok(());
        }
        let range = match (least, most) {
            (Some(least), Some(most)) => format!(" from {least} to {most}"),
            (Some(least), None) => format!(" from {least}"),
            (None, Some(most)) => format!(" up to {most}"),
            (None, None) => String::new(),
        };
        Err(self.refused(&format!("must be {what}{range}"), value))
    }

    fn refused(&self, rule: &str, value: &str) -> Error {
        let hint = self.declared["ConstraintDescription"].as_str();
        let hint = hint.map_or(String::new(), |hint| format!(". {hint}"));
        format!("parameter {} {rule}, not '{value}'{hint}", self.name).into()
    }

    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        let value = self.declared.get(key);
        value.map(|value| self.scope.text(value)).transpose()
    }

    fn is_list(&self) -> bool {
        self.declared["Type"] == "CommaDelimitedList"
    }
}

fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::super::Template;

    const TEXT: &str = "
Parameters:
  Needed: {Type: String}
  Mode: {Type: String, Default: a, AllowedValues: [a, b]}
  Days: {Type: Number, Default: 270, MinValue: 1, MaxValue: 3650}
  Least: {Type: Number, Default: 2, MinValue: 2}
  Any: {Type: Number, Default: 0}
  Year: {Type: Number, Default: 1, AllowedValues: [1, 365]}
  Name: {Type: String, Default: n, AllowedPattern: '[a-z]{0,9}', MaxLength: 3, ConstraintDescription: It is a short word.}
  List: {Type: CommaDelimitedList, Default: 'x, y', AllowedPattern: '[a-z]+'}
Rules:
  Together:
    RuleCondition: !Equals [!Ref Mode, b]
    Assertions: [{Assert: !Not [!Equals [!Ref Name, '']], AssertDescription: Mode b needs Name.}]
";

    fn read(chosen: &[(&str, &str)]) -> Result<Template, String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let chosen: Vec<_> = chosen.iter().map(own).collect();
        Template::read(TEXT, &[], &chosen).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wrong_parameter_is_refused_by_name_and_told_what_it_must_be() {
        for (name, value, error) in [
            (
                "needed",
                "n",
                "there is no parameter needed; there are Any, Days, Least, List, Mode, Name, Needed, Year",
            ),
            ("Mode", "c", "parameter Mode must be one of a, b, not 'c'"),
            (
                "Days",
                "x",
                "parameter Days must be a number from 1 to 3650, not 'x'",
            ),
            (
                "Days",
                "0",
                "parameter Days must be a number from 1 to 3650, not '0'",
            ),
            (
                "Days",
                "3651",
                "parameter Days must be a number from 1 to 3650, not '3651'",
            ),
            (
                "Least",
                "1",
                "parameter Least must be a number from 2, not '1'",
            ),
            ("Any", "inf", "parameter Any must be a number, not 'inf'"),
            (
                "Year",
                "30",
                "parameter Year must be one of 1, 365, not '30'",
            ),
            (
                "Name",
                "A",
                "parameter Name must match [a-z]{0,9}, not 'A'. It is a short word.",
            ),
            (
                "Name",
                "word",
                "parameter Name must be a text with a length up to 3, not 'word'. It is a short word.",
            ),
            ("List", "a, B", "parameter List must match [a-z]+, not 'B'"),
        ] {
            let refused = read(&[("Needed", "n"), (name, value)]).err();
            assert_eq!(refused, Some(error.to_owned()));
        }
        assert_eq!(
            read(&[]).err(),
            Some("parameter Needed must have a value".to_owned())
        );
        for (name, value) in [
            ("Days", "1"),
            ("Days", "3650"),
            ("Any", "-1.5"),
            ("Name", ""),
            ("Name", "abc"),
            ("Year", "365"),
        ] {
            assert!(read(&[("Needed", "n"), (name, value)]).is_ok(), "{name}");
        }
    }

    #[test]
    fn parameters_that_need_each_other_are_asserted() {
        let together = |name| read(&[("Needed", "n"), ("Mode", "b"), ("Name", name)]).err();
        assert_eq!(together(""), Some("Mode b needs Name.".to_owned()));
        assert_eq!(together("n"), None);
    }
}
