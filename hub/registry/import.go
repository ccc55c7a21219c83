package registry

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"golang.org/x/text/unicode/norm"
)

// maxImport is the longest file of units, in bytes.
const maxImport = 16 << 20

// columns returns the columns that a file of units may have; the first six are
// needed.
func columns() []string {
	return []string{"id", "code", "name", "kind", "parent", "valid_from", "valid_until", "people", "source", "counted"}
}

// Imported is what an import did, or would do.
type Imported struct {
	Added, Changed, Same int
	// Counted is for how many villages a population was signed.
	Counted int
}

// Import reads units from CSV with a heading, checks all of them, and stores
// them at once or not at all; dry only checks. Names are normalised to NFC. If
// villages' people change, the registrar signs the populations. Errors:
// problem.ErrInvalid with the line's number, ErrTooLarge, ErrForbidden.
func (s *Service) Import(ctx context.Context, r io.Reader, dry bool, registrar string, by protocol.PersonID) (Imported, error) {
	read, err := readUnits(r)
	if err != nil {
		return Imported{}, err
	}
	held, err := s.Tree(ctx)
	if err != nil {
		return Imported{}, err
	}
	put, err := order(held, read)
	if err != nil {
		return Imported{}, err
	}
	units := maps.Clone(held.units)
	var done Imported
	var changed []Unit
	for _, u := range put {
		was, ok := units[u.ID]
		switch {
		case !ok:
			done.Added++
		case was != u:
			done.Changed++
		default:
			done.Same++
			continue
		}
		units[u.ID] = u
		changed = append(changed, u)
	}
	now := time.Now()
	next := NewTree(slices.Collect(maps.Values(units)))
	populations, err := counted(held, next, changed, now, protocol.DateOf(now.In(s.zone)))
	if err != nil {
		return Imported{}, err
	}
	for i, p := range populations {
		done.Counted += len(p.Villages)
		docs, err := s.store.Documents(ctx, envelope.KindPopulations, string(p.Unit))
		if err != nil {
			return Imported{}, fmt.Errorf("import units: %w", err)
		}
		if len(docs) > 0 {
			populations[i].Number = max(p.Number, docs[len(docs)-1].Number+1)
		}
	}
	if dry || len(changed) == 0 {
		return done, nil
	}
	var docs []Document
	if len(populations) > 0 {
		signer, err := s.registrar(ctx, next, registrar, counting(held, next, populations))
		if err != nil {
			return Imported{}, err
		}
		for _, p := range populations {
			doc, err := SealDocument(signer, envelope.KindPopulations, string(p.Unit), p.Number, &p, now)
			if err != nil {
				return Imported{}, err
			}
			docs = append(docs, doc)
		}
	}
	c := audit.Act{By: by, At: now, Name: "units imported", Subject: string(changed[0].ID), Unit: changed[0].ID, After: map[string]string{
		"added": strconv.Itoa(done.Added), "changed": strconv.Itoa(done.Changed), "counted": strconv.Itoa(done.Counted),
	}}
	if err := s.store.PutUnits(ctx, changed, docs, c); err != nil {
		return Imported{}, fmt.Errorf("import units: %w", err)
	}
	return done, nil
}

// counting returns the paths of the units for which populations speak: those that
// count, and those where a village stood before.
func counting(held, next Tree, populations []protocol.Populations) [][]protocol.UnitID {
	var out [][]protocol.UnitID
	for _, p := range populations {
		out = append(out, next.Path(p.Unit))
		for _, v := range p.Villages {
			if was, ok := held.Unit(v.Village); ok && was.Parent != p.Unit {
				out = append(out, held.Path(v.Village))
			}
		}
	}
	return out
}

// counted returns the populations to sign: for each parent of a village whose
// count is new, or that has ended, all its villages; nobody lives in one that has ended.
func counted(held, tree Tree, changed []Unit, now time.Time, today protocol.Date) ([]protocol.Populations, error) {
	var out []protocol.Populations
	parents := map[protocol.UnitID]bool{}
	for _, u := range changed {
		was, _ := held.Unit(u.ID)
		if u.Kind == Village && u.People > 0 && (was.People != u.People || was.Source != u.Source || was.Counted != u.Counted || was.Parent != u.Parent ||
			was.ended(today) != u.ended(today)) {
			parents[u.Parent] = true
		}
	}
	for _, parent := range slices.Sorted(maps.Keys(parents)) {
		p := protocol.Populations{Version: protocol.Version, Unit: parent, Number: uint64(now.UnixMilli()), From: protocol.InstantOf(now)}
		for _, id := range tree.children[parent] {
			v := tree.units[id]
			if v.Kind != Village || v.People == 0 {
				continue
			}
			n := uint64(v.People)
			if v.ended(today) {
				n = 0
			}
			p.Villages = append(p.Villages, protocol.Population{Village: v.ID, People: n, Source: v.Source, On: v.Counted})
		}
		slices.SortFunc(p.Villages, func(a, b protocol.Population) int { return strings.Compare(string(a.Village), string(b.Village)) })
		if err := p.Validate(); err != nil {
			return nil, fmt.Errorf("populations of %s: %w", parent, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// lineUnit is a unit and the line on which it stands.
type lineUnit struct {
	Unit
	line int
}

func badLine(line int, field, vi, en string) error {
	return problem.New(problem.ErrInvalid, "bad-line", field, fmt.Sprintf("Dòng %d, cột %s: %s", line, field, vi), fmt.Sprintf("Line %d, column %s: %s", line, field, en))
}

func readUnits(r io.Reader) ([]lineUnit, error) {
	var out []lineUnit
	err := readTable(r, columns(), 6, func(line int, get func(string) string) error {
		u, err := readUnit(get, line)
		out = append(out, lineUnit{Unit: u, line: line})
		return err
	})
	return out, err
}

// readTable reads CSV with a heading of these columns, of which the first ones are
// needed, and gives each line's cells by column.
func readTable(r io.Reader, columns []string, needed int, each func(line int, get func(column string) string) error) error {
	b, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	if err != nil {
		return fmt.Errorf("read table: %w", err)
	}
	if len(b) > maxImport {
		return problem.New(problem.ErrTooLarge, "too-large", "file", "Tệp quá lớn, tối đa 16 MB. Hãy chia tệp.", "The file is too large, at most 16 MB. Split it.")
	}
	if !utf8.Valid(b) {
		return problem.New(problem.ErrInvalid, "not-utf8", "file", "Tệp phải ở mã UTF-8; hãy lưu lại dạng CSV UTF-8.", "The file must be UTF-8; save it as CSV UTF-8.")
	}
	cr := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	cr.FieldsPerRecord = -1
	cr.ReuseRecord = true
	head, err := cr.Read()
	if err != nil {
		return badLine(1, columns[0], "thiếu dòng tiêu đề. Hãy thêm tên các cột.", "the heading is missing. Add the columns' names.")
	}
	at, err := heading(head, columns, needed)
	if err != nil {
		return err
	}
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			line := 0
			if pe, ok := errors.AsType[*csv.ParseError](err); ok {
				line = pe.Line
			}
			return badLine(line, "?", "không đúng dạng CSV. Hãy lưu lại bằng phần mềm bảng tính.", "this is not CSV. Save it again from a spreadsheet.")
		}
		line, _ := cr.FieldPos(0)
		get := func(column string) string {
			if i, ok := at[column]; ok && i < len(rec) {
				return norm.NFC.String(strings.TrimSpace(rec[i]))
			}
			return ""
		}
		if err := each(line, get); err != nil {
			return err
		}
	}
}

// heading returns the place of each column.
func heading(head, columns []string, needed int) (map[string]int, error) {
	at := map[string]int{}
	for i, h := range head {
		h = strings.ToLower(strings.TrimSpace(h))
		if _, twice := at[h]; twice || !slices.Contains(columns, h) {
			return nil, badLine(1, fmt.Sprintf("%.30q", h), "cột lạ hoặc lặp. Hãy dùng các cột "+strings.Join(columns, ", ")+".",
				"unknown or repeated. Use the columns "+strings.Join(columns, ", ")+".")
		}
		at[h] = i
	}
	for _, c := range columns[:needed] {
		if _, ok := at[c]; !ok {
			return nil, badLine(1, c, "thiếu cột này. Hãy thêm cột.", "this column is missing. Add it.")
		}
	}
	return at, nil
}

func readUnit(get func(string) string, line int) (Unit, error) {
	u := Unit{
		ID: protocol.UnitID(get("id")), Code: get("code"), Name: get("name"), Kind: Kind(get("kind")), Parent: protocol.UnitID(get("parent")),
		ValidFrom: protocol.Date(get("valid_from")), ValidUntil: protocol.Date(get("valid_until")),
		Source: get("source"), Counted: protocol.Date(get("counted")),
	}
	bad := func(field, vi, en string) (Unit, error) { return Unit{}, badLine(line, field, vi, en) }
	if field, vi, en := checkUnit(u); field != "" {
		return bad(field, vi, en)
	}
	people := get("people")
	if people == "" {
		if u.Source != "" || u.Counted != "" {
			return bad("people", "có nguồn hoặc ngày nhưng thiếu số dân. Hãy điền số dân.", "a source or day without a number of people. Fill that in.")
		}
		return u, nil
	}
	n, err := strconv.Atoi(people)
	switch {
	case err != nil || n < 1 || n > 1_000_000:
		return bad("people", "số dân phải là số nguyên từ 1 đến 1000000.", "the number of people is whole, from 1 to 1000000.")
	case u.Kind != Village:
		return bad("people", "chỉ thôn mới ghi số dân, xã và tỉnh được cộng từ thôn. Hãy để trống.", "only villages have a number of people, those above are sums. Leave it empty.")
	case !printable(u.Source, 120):
		return bad("source", "số dân phải có nguồn, tối đa 120 ký tự.", "a number of people needs its source, in at most 120 characters.")
	case !u.Counted.Valid():
		return bad("counted", "số dân phải có ngày, dạng 2026-01-31.", "a number of people needs its day, like 2026-01-31.")
	}
	u.People = n
	return u, nil
}

// checkUnit returns the field that breaks a rule, and what to do; "" for none.
func checkUnit(u Unit) (field, vi, en string) {
	switch {
	case !protocol.ValidID(u.ID):
		return "id", "mã nội bộ chỉ gồm a-z, 0-9 và dấu gạch nối, tối đa 64 ký tự.", "an id has only a-z, 0-9 and hyphens, at most 64 characters."
	case u.Kind != Province && u.Kind != Commune && u.Kind != Village:
		return "kind", "hãy ghi loại là province, commune hoặc village.", "the kind is province, commune or village."
	case len(u.Code) > 10 || strings.ContainsFunc(u.Code, func(r rune) bool { return r < '0' || r > '9' }) || (u.Kind == Commune && len(u.Code) != 5):
		return "code", "mã hành chính chỉ gồm chữ số; mã xã phải có đúng 5 chữ số.", "a code has digits only, that of a commune exactly 5."
	case !printable(u.Name, 200):
		return "name", "hãy ghi tên, tối đa 200 ký tự.", "give a name of at most 200 characters."
	case u.Parent != "" && !protocol.ValidID(u.Parent), u.Parent == u.ID, u.Kind == Village && u.Parent == "":
		return "parent", "đơn vị cha phải là mã nội bộ của đơn vị khác; thôn phải có cha.", "a parent is the id of another unit; a village needs one."
	case !u.ValidFrom.Valid():
		return "valid_from", "hãy ghi ngày dạng 2025-07-01.", "a day like 2025-07-01."
	case u.ValidUntil != "" && (!u.ValidUntil.Valid() || u.ValidUntil <= u.ValidFrom):
		return "valid_until", "hãy ghi ngày dạng 2025-07-01, sau valid_from; để trống nếu còn hiệu lực.", "a day like 2025-07-01 after valid_from; empty if still valid."
	}
	return "", "", ""
}

// order returns the units with parents first.
func order(held Tree, read []lineUnit) ([]Unit, error) {
	lines := map[protocol.UnitID]lineUnit{}
	for _, u := range read {
		if was, twice := lines[u.ID]; twice {
			return nil, badLine(u.line, "id", fmt.Sprintf("mã đã có ở dòng %d. Hãy chọn mã khác.", was.line), fmt.Sprintf("the id stands on line %d already. Choose another.", was.line))
		}
		lines[u.ID] = u
	}
	byCode(held, lines, read)
	var out []Unit
	placed := map[protocol.UnitID]bool{}
	var place func(u lineUnit, depth int) error
	place = func(u lineUnit, depth int) error {
		if placed[u.ID] {
			return nil
		}
		// A placement's path has at most eight units.
		if depth > 7 {
			return badLine(u.line, "parent", "cây đơn vị có vòng hoặc quá 8 cấp. Hãy sửa cột đơn vị cha.", "the units form a ring, or more than 8 levels. Correct their parents.")
		}
		if parent, ok := lines[u.Parent]; ok {
			if err := place(parent, depth+1); err != nil {
				return err
			}
		} else if _, known := held.Unit(u.Parent); u.Parent != "" && !known {
			return badLine(u.line, "parent", "không có đơn vị cha này trong tệp hay trong sổ. Hãy kiểm tra cột đơn vị cha.", "there is no such parent in the file or the registry. Check it.")
		}
		placed[u.ID] = true
		out = append(out, u.Unit)
		return nil
	}
	for _, u := range read {
		if err := place(u, 0); err != nil {
			return nil, err
		}
	}
	return out, rings(held, out)
}

// byCode puts the id in the place of a parent's code, where no unit has that as its
// id and just one has it as its code: people know codes.
func byCode(held Tree, lines map[protocol.UnitID]lineUnit, read []lineUnit) {
	ids := map[string]protocol.UnitID{}
	note := func(u Unit) {
		if id, twice := ids[u.Code]; twice && id != u.ID {
			ids[u.Code] = "" // nobody's
		} else if u.Code != "" {
			ids[u.Code] = u.ID
		}
	}
	for _, u := range held.units {
		if _, again := lines[u.ID]; !again {
			note(u)
		}
	}
	for _, u := range read {
		note(u.Unit)
	}
	for i, u := range read {
		_, listed := lines[u.Parent]
		_, known := held.Unit(u.Parent)
		if id := ids[string(u.Parent)]; !listed && !known && id != "" && id != u.ID {
			read[i].Parent = id
			lines[u.ID] = read[i]
		}
	}
}

// rings refuses a change that hangs a unit under one below it.
func rings(held Tree, put []Unit) error {
	units := maps.Clone(held.units)
	if units == nil {
		units = map[protocol.UnitID]Unit{}
	}
	for _, u := range put {
		units[u.ID] = u
	}
	tree := NewTree(slices.Collect(maps.Values(units)))
	for _, u := range put {
		if p := tree.Path(u.ID); len(p) > 8 || slices.Contains(p[:len(p)-1], u.ID) {
			return problem.New(problem.ErrInvalid, "bad-tree", "parent", fmt.Sprintf("Đơn vị %s nằm trong vòng hoặc sâu quá 8 cấp. Hãy sửa đơn vị cấp trên của nó.", u.ID),
				fmt.Sprintf("Unit %s is part of a ring, or more than 8 levels deep. Correct its parent.", u.ID))
		}
	}
	return nil
}

// AddTop stores the first unit of a new hub with the root's delegations. Errors:
// problem.ErrInvalid naming the field.
func (s *Service) AddTop(ctx context.Context, u Unit, docs []Document) error {
	u.Name = norm.NFC.String(strings.TrimSpace(u.Name))
	if field, vi, en := checkUnit(u); field != "" {
		return problem.New(problem.ErrInvalid, "bad-unit", field, field+": "+vi, field+": "+en)
	}
	c := audit.Act{At: time.Now(), Name: "hub initialised", Subject: string(u.ID), Unit: u.ID}
	if err := s.store.PutUnits(ctx, []Unit{u}, docs, c); err != nil {
		return fmt.Errorf("add %s: %w", u.ID, err)
	}
	return nil
}
