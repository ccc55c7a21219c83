package schedule

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/protocol"
)

// object reads the fields of one JSON object strictly: each once, each of its
// type, none left over. The first refusal is kept in err.
type object struct {
	where  string // prefix of its fields' names: "airings[2]."
	fields map[string]json.RawMessage
	err    error
}

// newObject takes an object apart; name is that of the object itself.
func newObject(raw []byte, name string) *object {
	o := &object{fields: map[string]json.RawMessage{}}
	if name != "" {
		o.where = name + "."
	}
	if name == "" {
		name = "file"
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		o.err = refuse(name, "not a JSON object")
		return o
	}
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			o.err = refuse(name, "malformed JSON")
			return o
		}
		if _, twice := o.fields[key]; twice {
			o.err = refuse(o.where+printable(key), "given twice")
			return o
		}
		o.fields[key] = value
	}
	if _, err := dec.Token(); err != nil {
		o.err = refuse(name, "malformed JSON")
	} else if _, err := dec.Token(); err != io.EOF {
		o.err = refuse(name, "something after the JSON object")
	}
	return o
}

// printable makes a name from outside fit for one line.
func printable(s string) string {
	if protocol.ValidID(strings.ReplaceAll(strings.ToLower(s), "_", "-")) {
		return s
	}
	if len(s) > 40 {
		s = s[:40]
	}
	return strconv.QuoteToASCII(s)
}

func (o *object) refuse(field, why string) {
	if o.err == nil {
		o.err = refuse(o.where+field, "%s", why)
	}
}

// take returns the text of a field and whether it is there.
func (o *object) take(field string) (json.RawMessage, bool) {
	raw, ok := o.fields[field]
	delete(o.fields, field)
	return raw, ok
}

// done refuses what was not taken.
func (o *object) done(why string) error {
	if o.err == nil && len(o.fields) > 0 {
		left := make([]string, 0, len(o.fields))
		for f := range o.fields {
			left = append(left, f)
		}
		slices.Sort(left)
		o.refuse(printable(left[0]), why)
	}
	return o.err
}

// has says whether a field is there, without taking it.
func (o *object) has(field string) bool {
	_, ok := o.fields[field]
	return ok
}

// optional takes a field with a default, by its reader.
func optional[T any](o *object, field string, read func(*object, string) T, otherwise T) T {
	if !o.has(field) {
		return otherwise
	}
	return read(o, field)
}

func readString(o *object, field string) string {
	raw, ok := o.take(field)
	if !ok {
		o.refuse(field, "missing")
		return ""
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		o.refuse(field, "not a string")
	}
	return s
}

func readBool(o *object, field string) bool {
	raw, ok := o.take(field)
	switch {
	case !ok:
		o.refuse(field, "missing")
	case string(raw) == "true":
		return true
	case string(raw) != "false":
		o.refuse(field, "not true or false")
	}
	return false
}

func readInt(o *object, field string) int64 {
	raw, ok := o.take(field)
	if !ok {
		o.refuse(field, "missing")
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || strings.HasPrefix(string(raw), "+") {
		o.refuse(field, "not a whole number")
	}
	return n
}

// readMs reads a number of milliseconds from lo to hi.
func readMs(lo, hi time.Duration, why string) func(*object, string) time.Duration {
	return func(o *object, field string) time.Duration {
		n := readInt(o, field)
		if n < lo.Milliseconds() || n > hi.Milliseconds() {
			o.refuse(field, why)
			return 0
		}
		return duration(n)
	}
}

func readList(o *object, field string) []json.RawMessage {
	raw, ok := o.take(field)
	var list []json.RawMessage
	if !ok {
		o.refuse(field, "missing")
	} else if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		o.refuse(field, "not a list")
	}
	return list
}

// element returns the name of an element of a list.
func element(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

func readStrings(o *object, field string) []string {
	list := readList(o, field)
	out := make([]string, len(list))
	for i, raw := range list {
		if raw[0] != '"' || json.Unmarshal(raw, &out[i]) != nil {
			o.refuse(element(field, i), "not a string")
		}
	}
	return out
}

func readID[T ~string](o *object, field string) T {
	id := T(readString(o, field))
	if !protocol.ValidID(id) {
		o.refuse(field, "not an identifier")
	}
	return id
}

// readLink reads the id of another airing; null is none.
func readLink(o *object, field string) protocol.AiringID {
	if string(o.fields[field]) == "null" {
		o.take(field)
		return ""
	}
	return readID[protocol.AiringID](o, field)
}

func readLocal(o *object, field string) LocalTime {
	l, err := ParseLocalTime(readString(o, field))
	if err != nil {
		o.refuse(field, "not a local time such as 2026-12-01T05:00:00")
	}
	return l
}

func readLocals(o *object, field string) []LocalTime {
	texts := readStrings(o, field)
	out := make([]LocalTime, len(texts))
	for i, s := range texts {
		l, err := ParseLocalTime(s)
		if err != nil {
			o.refuse(element(field, i), "not a local time such as 2026-12-01T05:00:00")
		}
		out[i] = l
	}
	return out
}

func readInstant(o *object, field string) time.Time {
	t, ok := parseInstant(readString(o, field))
	if !ok {
		o.refuse(field, "not an RFC 3339 instant of whole milliseconds, such as 2026-12-01T05:00:00+07:00")
	}
	return t
}

// parseInstant reads RFC 3339, in capitals, with nothing finer than a millisecond.
func parseInstant(s string) (time.Time, bool) {
	const shortest = localLength + len("Z")
	if len(s) < shortest {
		return time.Time{}, false
	}
	l, err := ParseLocalTime(s[:localLength])
	if err != nil {
		return time.Time{}, false
	}
	rest, nanos := s[localLength:], 0
	if strings.HasPrefix(rest, ".") {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		fraction := rest[1:n]
		millis, ok := digits((fraction + "00")[:min(3, len(fraction)+2)])
		if fraction == "" || !ok || strings.Trim(fraction[min(3, len(fraction)):], "0") != "" {
			return time.Time{}, false
		}
		nanos, rest = millis*1e6, rest[n:]
	}
	offset, ok := parseOffset(rest)
	return time.Unix(l.seconds()-offset, int64(nanos)).UTC(), ok
}

// parseOffset reads "Z" or "+07:00"; it returns seconds east of UTC.
func parseOffset(s string) (int64, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+07:00") || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	clock, ok := parseClock(s[1:])
	if s[0] == '-' {
		clock = -clock
	}
	return int64(clock) * 60, ok
}

// parseClock reads "HH:MM" into minutes.
func parseClock(s string) (int, bool) {
	if len(s) != len("15:04") || s[2] != ':' {
		return 0, false
	}
	h, ok1 := digits(s[:2])
	m, ok2 := digits(s[3:])
	return h*60 + m, ok1 && ok2 && h < 24 && m < 60
}

func readClock(o *object, field string) int {
	minutes, ok := parseClock(readString(o, field))
	if !ok {
		o.refuse(field, "not a time of day such as 21:30")
	}
	return minutes
}

// readName reads a word of a closed set.
func readName[T protocol.Class | protocol.AfterCut](parse func(string) (T, error)) func(*object, string) T {
	return func(o *object, field string) T {
		s := readString(o, field)
		v, err := parse(s)
		if err != nil {
			o.refuse(field, "unknown: "+printable(s))
		}
		return v
	}
}

// checkText refuses what no reader below would look at.
func checkText(input []byte) error {
	if !utf8.Valid(input) {
		return refuse("file", "not UTF-8")
	}
	return nil
}
