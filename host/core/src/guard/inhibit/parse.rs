//! The text of an expression becomes a tree, then the tree is bound to tags and units.

use super::{
    Expression, ExpressionError, ExpressionProblem, MAX_DELAY_NS, MAX_EXPRESSION_BYTES, MAX_EXPRESSION_DEPTH, Node,
    Relation,
};
use crate::tag::{Tag, TagId, TagKind, TagTable};
use crate::time::SECOND_NS;
use crate::unit::Unit;
use std::ops::Range;
use winnow::ascii::{digit1, multispace0};
use winnow::combinator::{alt, cut_err, delimited, not, opt, preceded, repeat, terminated};
use winnow::error::{ContextError, StrContext, StrContextValue};
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::{one_of, take, take_while};

type Input<'a> = LocatingSlice<&'a str>;

const KEYWORDS: [&str; 5] = ["and", "or", "not", "for", "hysteresis"];

/// Something, and the bytes it stands at.
#[derive(Debug)]
struct At<T> {
    item: T,
    span: Range<usize>,
}

/// A number and the unit behind it, or an empty one.
#[derive(Debug)]
struct Quantity {
    number: f64,
    unit: String,
}

#[derive(Debug)]
enum Tree {
    Compare { tag: At<String>, relation: Relation, bound: At<Quantity>, hysteresis: Option<At<Quantity>> },
    Flag(At<String>),
    Not(Box<Tree>),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    For(Box<Tree>, At<Quantity>),
}

/// `is_open` says of which tags the unit is not known yet.
pub(super) fn parse(
    text: &str,
    tags: &TagTable,
    is_open: &dyn Fn(TagId) -> bool,
) -> Result<Expression, ExpressionError> {
    let mut binder = Binder { tags, is_open, seen: vec![], slots: 0 };
    let root = binder.bind(tree(text)?)?;
    Ok(Expression { text: text.to_owned(), root, tags: binder.seen, slots: binder.slots })
}

/// Every name in it, as often as it stands there.
pub(super) fn names(text: &str) -> Result<Vec<String>, ExpressionError> {
    let mut names = Vec::new();
    let mut trees = vec![tree(text)?];
    while let Some(tree) = trees.pop() {
        match tree {
            Tree::Compare { tag, .. } | Tree::Flag(tag) => names.push(tag.item),
            Tree::Not(inner) | Tree::For(inner, _) => trees.push(*inner),
            Tree::All(parts) | Tree::Any(parts) => trees.extend(parts.into_iter().rev()),
        }
    }
    Ok(names)
}

fn tree(text: &str) -> Result<Tree, ExpressionError> {
    check_size(text)?;
    preceded(multispace0, any_of).parse(LocatingSlice::new(text)).map_err(|error| {
        let offset = error.offset();
        let expected = error.inner().context().find_map(|context| match context {
            StrContext::Expected(expected) => Some(expected.to_string()),
            _ => None,
        });
        let expected = expected.unwrap_or_else(|| "`and`, `or`, `for` or the end".to_owned());
        fault(&(offset..word_end(text, offset)), ExpressionProblem::Syntax { expected })
    })
}

/// Bounds what the recursive parser can be made to do.
fn check_size(text: &str) -> Result<(), ExpressionError> {
    if MAX_EXPRESSION_BYTES < text.len() {
        return Err(fault(&(0..text.len()), ExpressionProblem::TooLong));
    }
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if MAX_EXPRESSION_DEPTH < depth {
            return Err(fault(&(at..at + 1), ExpressionProblem::TooDeep));
        }
    }
    Ok(())
}

fn fault(span: &Range<usize>, problem: ExpressionProblem) -> ExpressionError {
    ExpressionError { offset: span.start, length: span.end.saturating_sub(span.start), problem }
}

/// The end of the word that begins at `offset`.
fn word_end(text: &str, offset: usize) -> usize {
    let rest = text.get(offset..).unwrap_or("");
    offset + rest.find(char::is_whitespace).unwrap_or(rest.len())
}

fn expected(what: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(what))
}

fn any_of(input: &mut Input<'_>) -> ModalResult<Tree> {
    chain(input, "or", all_of, Tree::Any)
}

fn all_of(input: &mut Input<'_>) -> ModalResult<Tree> {
    chain(input, "and", delayed, Tree::All)
}

fn chain(
    input: &mut Input<'_>,
    separator: &'static str,
    part: fn(&mut Input<'_>) -> ModalResult<Tree>,
    make: fn(Vec<Tree>) -> Tree,
) -> ModalResult<Tree> {
    let first = part(input)?;
    let mut parts: Vec<Tree> = repeat(0.., preceded(keyword(separator), cut_err(part))).parse_next(input)?;
    if parts.is_empty() {
        return Ok(first);
    }
    parts.insert(0, first);
    Ok(make(parts))
}

fn delayed(input: &mut Input<'_>) -> ModalResult<Tree> {
    let inner = negated(input)?;
    let delay = opt(preceded(keyword("for"), cut_err(quantity).context(expected("a delay, for instance `2s`"))))
        .parse_next(input)?;
    Ok(match delay {
        Some(delay) => Tree::For(Box::new(inner), delay),
        None => inner,
    })
}

fn negated(input: &mut Input<'_>) -> ModalResult<Tree> {
    let nots: usize = repeat(0.., keyword("not")).parse_next(input)?;
    let inner = if nots == 0 { operand(input)? } else { cut_err(operand).parse_next(input)? };
    // Pairs cancel; a doubt stays a doubt either way.
    Ok(if nots % 2 == 1 { Tree::Not(Box::new(inner)) } else { inner })
}

fn operand(input: &mut Input<'_>) -> ModalResult<Tree> {
    alt((parentheses, comparison)).context(expected("a tag, `not` or `(`")).parse_next(input)
}

fn parentheses(input: &mut Input<'_>) -> ModalResult<Tree> {
    delimited(symbol('('), cut_err(any_of), cut_err(symbol(')')).context(expected("`)`"))).parse_next(input)
}

fn comparison(input: &mut Input<'_>) -> ModalResult<Tree> {
    let tag = name(input)?;
    let Some(relation) = opt(relation).parse_next(input)? else { return Ok(Tree::Flag(tag)) };
    let bound = cut_err(quantity).context(expected("a number, with or without unit")).parse_next(input)?;
    let hysteresis =
        opt(preceded(keyword("hysteresis"), cut_err(quantity).context(expected("a number, with or without unit"))))
            .parse_next(input)?;
    Ok(Tree::Compare { tag, relation, bound, hysteresis })
}

fn relation(input: &mut Input<'_>) -> ModalResult<Relation> {
    let known = alt((
        ">=".value(Relation::AtLeast),
        "<=".value(Relation::AtMost),
        "==".value(Relation::Equal),
        "!=".value(Relation::NotEqual),
        '>'.value(Relation::Above),
        '<'.value(Relation::Below),
    ));
    terminated(known, multispace0).parse_next(input)
}

fn symbol<'a>(symbol: char) -> impl ModalParser<Input<'a>, char, ContextError> {
    terminated(symbol, multispace0)
}

fn keyword<'a>(word: &'static str) -> impl ModalParser<Input<'a>, &'a str, ContextError> {
    terminated(word, (not(one_of(is_name_char)), multispace0))
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']')
}

/// A tag's name: letters, digits and `_ - . [ ]`, or anything between quotes.
fn name(input: &mut Input<'_>) -> ModalResult<At<String>> {
    let bare = (one_of(|c: char| c.is_alphabetic() || c == '_'), take_while(0.., is_name_char))
        .take()
        .verify(|word: &str| !KEYWORDS.contains(&word));
    terminated(alt((bare, quoted('\''), quoted('"'))).with_span(), multispace0)
        .map(|(name, span)| At { item: name.to_owned(), span })
        .parse_next(input)
}

fn quoted<'a>(quote: char) -> impl ModalParser<Input<'a>, &'a str, ContextError> {
    delimited(quote, take_while(1.., move |c: char| c != quote), cut_err(quote))
}

fn quantity(input: &mut Input<'_>) -> ModalResult<At<Quantity>> {
    terminated((terminated(number, multispace0), unit).with_span(), multispace0)
        .map(|((number, unit), span)| At { item: Quantity { number, unit }, span })
        .parse_next(input)
}

fn number(input: &mut Input<'_>) -> ModalResult<f64> {
    let mantissa = alt(((digit1, opt(('.', digit1))).take(), ('.', digit1).take()));
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    (opt(one_of(['+', '-'])), mantissa, opt(exponent))
        .take()
        .try_map(str::parse::<f64>)
        .verify(|number| number.is_finite())
        .parse_next(input)
}

/// A UCUM code reaches to the next space, or to the parenthesis that closes something outside it.
fn unit(input: &mut Input<'_>) -> ModalResult<String> {
    let rest: &str = input.as_ref();
    let mut depth = 0_usize;
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => {
                end = at;
                break;
            }
            ')' => depth -= 1,
            c if c.is_whitespace() => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let code = &rest[..end];
    if KEYWORDS.contains(&code) {
        return Ok(String::new());
    }
    let characters = code.chars().count();
    let code = code.to_owned();
    take(characters).value(code).parse_next(input)
}

struct Binder<'a> {
    tags: &'a TagTable,
    is_open: &'a dyn Fn(TagId) -> bool,
    seen: Vec<TagId>,
    slots: usize,
}

impl<'a> Binder<'a> {
    fn bind(&mut self, tree: Tree) -> Result<Node, ExpressionError> {
        Ok(match tree {
            Tree::Compare { tag: name, relation, bound, hysteresis } => {
                let (tag, known) = self.find(&name)?;
                let open = (self.is_open)(tag);
                let limit = convert(&bound, known, open, false)?;
                let hysteresis = match hysteresis {
                    None => 0.0,
                    Some(width) => {
                        let value = convert(&width, known, open, true)?;
                        if !relation.has_direction() || value < 0.0 {
                            return Err(fault(&width.span, ExpressionProblem::Hysteresis));
                        }
                        value
                    }
                };
                Node::Compare { tag, relation, bound: limit, hysteresis, slot: self.slot() }
            }
            Tree::Flag(name) => {
                let (tag, known) = self.find(&name)?;
                if !matches!(known.unit.code(), "" | "1") && !(self.is_open)(tag) {
                    let unit = known.unit.code().to_owned();
                    return Err(fault(&name.span, ExpressionProblem::NotAFlag { name: name.item, unit }));
                }
                Node::Flag { tag }
            }
            Tree::Not(inner) => Node::Not(Box::new(self.bind(*inner)?)),
            Tree::All(parts) => Node::All(self.bind_all(parts)?),
            Tree::Any(parts) => Node::Any(self.bind_all(parts)?),
            Tree::For(inner, delay) => {
                let inner = Box::new(self.bind(*inner)?);
                Node::For { inner, delay_ns: delay_ns(&delay)?, slot: self.slot() }
            }
        })
    }

    fn bind_all(&mut self, parts: Vec<Tree>) -> Result<Vec<Node>, ExpressionError> {
        parts.into_iter().map(|part| self.bind(part)).collect()
    }

    fn find(&mut self, name: &At<String>) -> Result<(TagId, &'a Tag), ExpressionError> {
        let problem = |problem| Err(fault(&name.span, problem));
        let Some(id) = self.tags.find(&name.item) else {
            return problem(ExpressionProblem::UnknownTag { name: name.item.clone() });
        };
        let tag = self.tags.get(id);
        if tag.kind != TagKind::Value {
            return problem(ExpressionProblem::NoNumber { name: name.item.clone(), kind: tag.kind.name() });
        }
        if !self.seen.contains(&id) {
            self.seen.push(id);
        }
        Ok((id, tag))
    }

    fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }
}

/// The number in the tag's unit; as it stands where that is not known yet.
fn convert(quantity: &At<Quantity>, tag: &Tag, open: bool, difference: bool) -> Result<f64, ExpressionError> {
    let Quantity { number, unit } = &quantity.item;
    if unit.is_empty() {
        return Ok(*number);
    }
    let conversion = Unit::parse(unit)
        .and_then(|unit| unit.conversion_to(if open { &unit } else { &tag.unit }))
        .map_err(|error| fault(&quantity.span, error.into()))?;
    Ok(if difference { conversion.apply_difference(*number) } else { conversion.apply(*number) })
}

fn delay_ns(delay: &At<Quantity>) -> Result<u64, ExpressionError> {
    let Quantity { number, unit } = &delay.item;
    let seconds = Unit::parse("s")
        .and_then(|second| Unit::parse(unit)?.conversion_to(&second))
        .map_err(|error| fault(&delay.span, error.into()))?
        .apply(*number);
    let ns = (seconds * SECOND_NS as f64).round();
    if !(0.0 <= ns && ns <= MAX_DELAY_NS as f64) {
        return Err(fault(&delay.span, ExpressionProblem::Delay));
    }
    Ok(ns as u64)
}
