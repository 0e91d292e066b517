//! A page: a title, headings, paragraphs and tables, in no format yet.

/// A page.
#[derive(Debug)]
pub struct Page {
    pub title: String,
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Debug)]
pub enum Block {
    Heading(String),
    Paragraph(String),
    /// The first column holds names, the others numbers.
    Table {
        header: Vec<String>,
        rows: Vec<Vec<String>>,
    },
}

impl Page {
    /// An empty page.
    pub fn new(title: String) -> Page {
        Page { title, blocks: Vec::new() }
    }
    /// With a section below the others, which it numbers.
    pub fn heading(&mut self, text: &str) {
        let before = self.blocks.iter().filter(|block| matches!(block, Block::Heading(_))).count();
        let number = before.saturating_add(1);
        self.blocks.push(Block::Heading(format!("{number}. {text}")));
    }
    /// With a paragraph of these sentences.
    pub fn paragraph(&mut self, sentences: &[String]) {
        self.blocks.push(Block::Paragraph(sentences.join(" ")));
    }
    /// With a table.
    pub fn table(&mut self, header: &[&str], rows: Vec<Vec<String>>) {
        self.blocks.push(Block::Table { header: header.iter().map(|name| (*name).to_owned()).collect(), rows });
    }
}
