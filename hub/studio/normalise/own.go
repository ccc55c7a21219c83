package normalise

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// MaxList is how many entries a commune's list may have.
const MaxList = 2000

// ErrList is what ParseList's errors wrap.
var ErrList = errors.New("not a list of pronunciations")

// ParseList reads a commune's own list for Options.Pronounce: UTF-8 text, one
// entry a line, what is written, "=", how it is said. Lines that begin with # and
// empty ones count for nothing. The error names the line; it wraps ErrList for an
// entry without "=" or without one of its sides, a second entry for the same
// writing, a line over 64 KiB and more than MaxList entries.
func ParseList(r io.Reader) (map[string]string, error) {
	list := map[string]string{}
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(in.Text(), "\uFEFF"))
		if line == "" || line[0] == '#' {
			continue
		}
		written, said, ok := strings.Cut(line, "=")
		written, said = strings.TrimSpace(norm.NFC.String(written)), strings.TrimSpace(said)
		_, twice := list[written]
		switch {
		case !ok || written == "" || said == "":
			return nil, fmt.Errorf("%w: line %d is not \"written = said\"", ErrList, n)
		case twice:
			return nil, fmt.Errorf("%w: line %d has %q again", ErrList, n, written)
		case len(list) == MaxList:
			return nil, fmt.Errorf("%w: line %d is over the limit of %d entries", ErrList, n, MaxList)
		}
		list[written] = said
	}
	if err := in.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, fmt.Errorf("%w: %w", ErrList, err)
		}
		return nil, fmt.Errorf("read list: %w", err)
	}
	return list, nil
}

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
