package normalise

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// ownEntry is one entry of a commune's list.
type ownEntry struct {
	key    string // NFC
	said   Reading
	folded bool // the key has no capital and matches in any case
}

// ownList is a commune's list by the lower-case first token of its keys, the
// longest key first.
type ownList map[string][]ownEntry

func newOwnList(opt Options) ownList {
	if len(opt.Pronounce) == 0 {
		return nil
	}
	plain := &reader{south: opt.Southern}
	list := ownList{}
	for key, said := range opt.Pronounce {
		key = strings.TrimSpace(norm.NFC.String(strings.ToValidUTF8(key, " ")))
		toks := scan(key)
		if len(toks) == 0 {
			continue
		}
		first := lowerCase(key[:toks[0].end])
		list[first] = append(list[first], ownEntry{
			key: key, said: plain.read(said), folded: key == lowerCase(key),
		})
	}
	for _, entries := range list {
		slices.SortFunc(entries, func(a, b ownEntry) int {
			if d := len(b.key) - len(a.key); d != 0 {
				return d
			}
			return strings.Compare(a.key, b.key)
		})
	}
	return list
}

// find returns the entry that matches the text at token i and the token after
// it.
func (l ownList) find(p *pass, i int) (ownEntry, int) {
	if l == nil {
		return ownEntry{}, 0
	}
	start := p.toks[i].start
	for _, e := range l[p.lower(i)] {
		end := start + len(e.key)
		if end > len(p.text) {
			continue
		}
		written := p.text[start:end]
		if written != e.key && !(e.folded && lowerCase(written) == e.key) {
			continue
		}
		for j := i; j < len(p.toks) && p.toks[j].end <= end; j++ {
			if p.toks[j].end == end {
				return e, j + 1
			}
		}
	}
	return ownEntry{}, 0
}
