// The rule of full_text.py: half-width forms, without words that say nothing, Chinese in overlapping pairs.
var splitQuery = (text) => {
  const han = "\\u3400-\\u9fff";
  const runs = text.normalize("NFKC").replace(/STOP_HAN/g, " ")
    .match(new RegExp(`[${han}]+|(?:(?![${han}])[\\p{Letter}\\p{Number}_])+`, "gu"));
  return (runs ?? []).flatMap((run) => run.length > 1 && new RegExp(`[${han}]`).test(run)
    ? Array.from({ length: run.length - 1 }, (_, i) => run.slice(i, i + 2)) : [run]);
};

// Instead of Sphinx's search, which drops pages that lack a term. A page gets points for every term of the query that
// it has: more for a term that few pages have, that stands there often, or that stands in a heading or in the title.
// The link leads to the heading that has most of the query, if there is one.
Search._performSearch = (query, searchTerms) => {
  const { docnames, filenames, titles, alltitles, terms, titleterms } = Search._index;
  const vocabulary = new Set([...Object.keys(terms), ...Object.keys(titleterms)]);
  const pagesWith = (words) => new Set(words.flatMap((word) => [terms[word] ?? [], titleterms[word] ?? []].flat()));
  // A single Chinese character and a term that no page has match the terms that contain them.
  const single = (term) => /^\p{Script=Han}$/u.test(term);
  const matches = (term) => vocabulary.has(term) && !single(term)
    ? [term] : [...vocabulary].filter((word) => word.includes(term) && !word.endsWith("+"));
  // Spaces are forgiven: labelstudio is label studio, and paddle ocr is PaddleOCR, too.
  const halves = (term) => [...term].map((_, i) => [term.slice(0, i), term.slice(i)])
    .find((parts) => parts.every((part) => part.length > 1 && vocabulary.has(part))) ?? [];
  const longer = [...searchTerms].filter((term) => !single(term));
  const typed = longer.length ? longer : [...searchTerms];
  const joined = typed.slice(1).map((term, i) => typed[i] + term).filter((term) => vocabulary.has(term));
  const wanted = new Set([...typed.flatMap((term) => (matches(term).length ? [term] : halves(term))), ...joined]);

  const stemmer = new Stemmer();
  const headings = Object.entries(alltitles).flatMap(([text, places]) => {
    const words = splitQuery(text).map((word) => stemmer.stemWord(word.toLowerCase()));
    return places.map(([page, id]) => ({ page, id, text, words, weight: 0 }));  // without id: title or search words
  });
  const scores = docnames.map(() => 0);
  let total = 0;
  for (const term of wanted) {
    const words = matches(term), pages = pagesWith(words);
    const often = ["+", "++"].map((mark) => pagesWith(words.map((word) => word + mark)));
    const found = headings.filter((heading) => words.some((word) => heading.words.includes(word)));
    const weight = Math.log(1 + docnames.length / pages.size);
    for (const page of pages) {
      const places = found.filter((heading) => heading.page === page).map(({ id }) => (id === null ? 2 : 1));
      scores[page] += weight * (1 + often.filter((set) => set.has(page)).length / 2 + Math.max(0, ...places));
    }
    found.forEach((heading) => (heading.weight += weight));
    total += weight;
  }
  const least = Math.max(...scores) / 4;
  return docnames.map((name, page) => {
    const [best] = headings.filter((heading) => heading.page === page).sort((a, b) => b.weight - a.weight);
    const [title, anchor] = best?.id && best.weight > total / 2
      ? [`${titles[page]} > ${best.text}`, `#${best.id}`] : [titles[page], ""];
    return [name, title, anchor, null, scores[page], filenames[page]];
  }).filter((result) => result[4] && result[4] >= least).sort((a, b) => b[4] - a[4]).reverse();  // the last is shown first
};

Documentation.TRANSLATIONS["Your search did not match any documents. Please make sure that all words are spelled " +
  "correctly and that you've selected enough categories."] = document.documentElement.lang.startsWith("zh")
  ? "没有找到相关页面。请减少关键词，或者换个说法再试；本书使用的术语都列在术语表中。"
  : "Nothing was found. Try fewer words or other ones; the glossary lists the terms of this book.";
