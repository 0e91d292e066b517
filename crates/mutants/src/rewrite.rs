//! Rewrites a source file so that all its mutants are compiled into it.
//!
//! | what stands there | where | what is written |
//! |---|---|---|
//! | `simd.add(a, b)` | kernels | `mutant::add(simd, SITE, a, b)` |
//! | `for i in a..b`, `while i < b`, `.take(b)`, `.step_by(b)`, `.chunks(b)` | kernels | `mutant::number(b, SITE)` for b, and for a |
//! | `4`, or a constant by its name | formulas | `mutant::number(4, SITE)` |
//! | an expression of `by-hand.json` | anywhere | `if mutant::on(SITE) { new } else { old }` |
//!
//! Where only constants may stand, nothing can be chosen at run time: values of `const` and `static`, bodies of `const fn`, lengths of
//! arrays, constant generics, patterns and attributes. What stands in a macro's arguments is not parsed. Both are counted.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use serde::Deserialize;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, File, Lit, Type, parse_quote};

use crate::site::{Kind, Site, variants_of_call};

/// A mutant that is written by hand.
#[derive(Clone, Debug, Deserialize)]
pub struct ByHand {
    pub name: String,
    pub file: String,
    /// An expression of the file.
    pub old: String,
    /// What stands there instead.
    pub new: String,
}

/// What of a file is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub calls: bool,
    pub bounds: bool,
    pub constants: bool,
}

/// What was left out because it cannot be chosen at run time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Skipped {
    /// Constants of formulas in places where only constants may stand.
    pub constants: usize,
    /// Calls and constants in a macro's arguments.
    pub in_macros: usize,
}

/// Names that tokens have in kernels.
const TOKENS: [&str; 4] = ["simd", "one", "ragged", "f64s"];
/// Adaptors whose argument bounds a loop.
const ADAPTORS: [&str; 8] =
    ["take", "step_by", "chunks", "chunks_mut", "chunks_exact", "chunks_exact_mut", "skip", "split_at_row"];

struct Rewriter<'a> {
    file: &'a str,
    module: TokenStream,
    wanted: Wanted,
    by_hand: Vec<(&'a ByHand, Expr, Expr, Option<usize>)>,
    /// The file's integer constants, and the site of each that is used.
    constants: Vec<(String, Option<usize>)>,
    sites: &'a mut Vec<Site>,
    skipped: Skipped,
}

/// The file's text with all mutants in it. Their sites are added to `sites`.
pub fn rewrite(
    file: &str,
    text: &str,
    wanted: Wanted,
    by_hand: &[ByHand],
    sites: &mut Vec<Site>,
) -> Result<(String, Skipped), String> {
    let mut tree: File = syn::parse_file(text).map_err(|error| format!("{file}: {error}"))?;
    let parse = |text: &str| syn::parse_str::<Expr>(text).map_err(|error| format!("{file}: {text}: {error}"));
    let mut of_file = Vec::new();
    for mutant in by_hand.iter().filter(|mutant| mutant.file == file) {
        of_file.push((mutant, parse(&mutant.old)?, parse(&mutant.new)?, None));
    }
    let module = if file.starts_with("crates/kernels/") { quote!(crate::mutant) } else { quote!(nxm_kernels::mutant) };
    let mut constants: Vec<_> = tree.items.iter().filter_map(integer_constant).map(|name| (name, None)).collect();
    constants
        .extend(["WORTH_A_THREAD", "ELEMENTS_WORTH_A_THREAD", "EVALUATIONS_WORTH_A_THREAD"].map(|n| (n.into(), None)));
    let mut rewriter =
        Rewriter { file, module, wanted, by_hand: of_file, constants, sites, skipped: Skipped::default() };
    rewriter.visit_file_mut(&mut tree);
    if let Some((mutant, ..)) = rewriter.by_hand.iter().find(|(.., site)| site.is_none()) {
        return Err(format!("{file} does not contain the expression `{}` of the mutant {:?}", mutant.old, mutant.name));
    }
    let skipped = rewriter.skipped;
    Ok((prettyplease::unparse(&tree), skipped))
}

/// The name of a constant that is an integer.
fn integer_constant(item: &syn::Item) -> Option<String> {
    let syn::Item::Const(item) = item else { return None };
    let Type::Path(of) = &*item.ty else { return None };
    let name = of.path.get_ident()?.to_string();
    ["u8", "u32", "u64", "u128", "usize"].contains(&name.as_str()).then(|| item.ident.to_string())
}

impl Rewriter<'_> {
    fn site(&mut self, kind: Kind, text: String, variants: Vec<u8>) -> usize {
        let same = self.sites.iter().filter(|site| site.file == self.file && site.text == text).count();
        self.sites.push(Site { file: self.file.to_owned(), text, kind, variants, same });
        self.sites.len() - 1
    }

    /// `bound`, one more or one less.
    fn bound(&mut self, bound: &mut Expr, span: Span, variants: &[u8]) {
        let text = format!("{} in {}", source(bound.span()), source(span));
        let site = self.site(Kind::Bound, text, variants.to_vec());
        let module = &self.module;
        *bound = parse_quote!(#module::number(#bound, #site));
    }

    fn call(&mut self, node: &mut Expr) {
        let span = node.span();
        let Expr::MethodCall(call) = node else { return };
        let method = call.method.to_string();
        if self.wanted.calls
            && TOKENS.iter().any(|token| is_token(&call.receiver, token))
            && let Some(variants) = variants_of_call(&method)
        {
            let site = self.site(Kind::Call, source(span), variants.to_vec());
            let (module, receiver, method, args) = (&self.module, &call.receiver, &call.method, &call.args);
            *node = parse_quote!(#module::#method(#receiver, #site, #args));
            return;
        }
        if self.wanted.bounds && ADAPTORS.contains(&method.as_str()) && call.args.len() == 1 {
            self.bound(&mut call.args[0], span, &[1, 2]);
        }
    }

    /// The loop's head, once its body is done.
    fn head(&mut self, node: &mut Expr) {
        match node {
            Expr::ForLoop(each) => {
                let span = each.pat.span().join(each.expr.span()).unwrap_or(each.expr.span());
                if let Expr::Range(range) = &mut *each.expr {
                    if let Some(start) = &mut range.start {
                        self.bound(start, span, &[1]);
                    }
                    if let Some(end) = &mut range.end {
                        self.bound(end, span, &[1, 2]);
                    }
                }
            }
            Expr::While(each) => {
                let span = each.cond.span();
                if let Expr::Binary(compare) = &mut *each.cond
                    && matches!(compare.op, BinOp::Lt(_) | BinOp::Le(_) | BinOp::Ge(_) | BinOp::Gt(_))
                {
                    self.bound(&mut compare.right, span, &[1, 2]);
                }
            }
            _ => {}
        }
    }

    fn constant(&mut self, node: &mut Expr) {
        let span = node.span();
        match node {
            Expr::Lit(literal) => {
                let Lit::Int(int) = &literal.lit else { return };
                let zero = int.base10_digits() == "0";
                let line = format!("{} in line `{}`", source(span), line_of(span));
                let site = self.site(Kind::Constant, line, if zero { vec![1] } else { vec![1, 2] });
                let module = &self.module;
                *node = parse_quote!(#module::number(#literal, #site));
            }
            Expr::Path(path) => {
                let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
                let Some(at) = self.constants.iter().position(|(constant, _)| *constant == name) else { return };
                let site = match self.constants[at].1 {
                    Some(site) => site,
                    None => self.site(Kind::Constant, name, vec![1, 2]),
                };
                self.constants[at].1 = Some(site);
                let module = &self.module;
                *node = parse_quote!(#module::number(#path, #site));
            }
            _ => {}
        }
    }

    /// Counts what is in a place where only constants may stand.
    fn skip(&mut self, tokens: TokenStream) {
        if self.wanted.constants {
            self.skipped.constants += integers(tokens);
        }
    }
}

impl VisitMut for Rewriter<'_> {
    fn visit_expr_mut(&mut self, node: &mut Expr) {
        let original = (!self.by_hand.is_empty()).then(|| node.clone());
        match node {
            Expr::Const(constant) => return self.skip(constant.to_token_stream()),
            Expr::Macro(call) => {
                let tokens = call.mac.tokens.clone();
                self.skipped.in_macros += if self.wanted.constants { integers(tokens) } else { 0 };
            }
            Expr::Repeat(repeat) => {
                self.skip(repeat.len.to_token_stream());
                self.visit_expr_mut(&mut repeat.expr);
            }
            _ => visit_mut::visit_expr_mut(self, node),
        }
        self.call(node);
        if self.wanted.bounds {
            self.head(node);
        }
        if self.wanted.constants {
            self.constant(node);
        }
        let Some(original) = original else { return };
        for at in 0..self.by_hand.len() {
            let (mutant, old, new, site) = &self.by_hand[at];
            if *old != original {
                continue;
            }
            let (name, new, site) = (mutant.name.clone(), new.clone(), *site);
            // Several edits may be one mutant.
            let there = self.sites.iter().position(|site| site.kind == Kind::ByHand && site.text == name);
            let site = site.or(there).unwrap_or_else(|| self.site(Kind::ByHand, name, vec![1]));
            self.by_hand[at].3 = Some(site);
            let module = &self.module;
            *node = parse_quote!((if #module::on(#site) { #new } else { #node }));
        }
    }
    fn visit_item_const_mut(&mut self, item: &mut syn::ItemConst) {
        if integer_constant(&syn::Item::Const(item.clone())).is_none() {
            self.skip(item.expr.to_token_stream());
        }
    }
    fn visit_impl_item_const_mut(&mut self, item: &mut syn::ImplItemConst) {
        self.skip(item.expr.to_token_stream());
    }
    fn visit_trait_item_const_mut(&mut self, item: &mut syn::TraitItemConst) {
        self.skip(item.default.as_ref().map(|(_, value)| value.to_token_stream()).unwrap_or_default());
    }
    fn visit_item_static_mut(&mut self, item: &mut syn::ItemStatic) {
        self.skip(item.expr.to_token_stream());
    }
    fn visit_item_fn_mut(&mut self, item: &mut syn::ItemFn) {
        match item.sig.constness {
            Some(_) => self.skip(item.block.to_token_stream()),
            None => visit_mut::visit_item_fn_mut(self, item),
        }
    }
    fn visit_impl_item_fn_mut(&mut self, item: &mut syn::ImplItemFn) {
        match item.sig.constness {
            Some(_) => self.skip(item.block.to_token_stream()),
            None => visit_mut::visit_impl_item_fn_mut(self, item),
        }
    }
    fn visit_item_mod_mut(&mut self, item: &mut syn::ItemMod) {
        let test = |attribute: &syn::Attribute| attribute.to_token_stream().to_string().contains("test");
        if !item.attrs.iter().any(test) {
            visit_mut::visit_item_mod_mut(self, item);
        }
    }
    fn visit_pat_mut(&mut self, pat: &mut syn::Pat) {
        self.skip(pat.to_token_stream());
    }
    fn visit_type_mut(&mut self, of: &mut Type) {
        self.skip(of.to_token_stream());
    }
    fn visit_generic_argument_mut(&mut self, argument: &mut syn::GenericArgument) {
        self.skip(argument.to_token_stream());
    }
    fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}
}

/// Whether it is the token of this name, or what a method makes of it: `simd`, `simd.one()`, `simd.narrow(lanes)`.
fn is_token(receiver: &Expr, token: &str) -> bool {
    match receiver {
        Expr::Path(path) => path.path.is_ident(token),
        Expr::MethodCall(call) => {
            ["one", "narrow", "inside"].contains(&call.method.to_string().as_str()) && is_token(&call.receiver, token)
        }
        // `simd.narrow(lanes)`, rewritten; or `f64s()`.
        Expr::Call(call) => {
            let called = call.func.to_token_stream().to_string();
            called == token
                || called.contains("mutant") && call.args.first().is_some_and(|first| is_token(first, token))
        }
        _ => false,
    }
}

/// The source, with single spaces.
fn source(span: Span) -> String {
    let text = span.source_text().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line of the source in which it stands.
fn line_of(span: Span) -> String {
    let file = LINES.with_borrow(|lines| lines.get(span.start().line.wrapping_sub(1)).cloned());
    file.unwrap_or_default().trim().to_owned()
}

thread_local! {
    /// The lines of the file that is being rewritten.
    pub static LINES: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// How many integers there are.
fn integers(tokens: TokenStream) -> usize {
    let of = |token| match token {
        TokenTree::Group(group) => integers(group.stream()),
        TokenTree::Literal(literal) => usize::from(matches!(Lit::new(literal), Lit::Int(_))),
        _ => 0,
    };
    tokens.into_iter().map(of).sum()
}
