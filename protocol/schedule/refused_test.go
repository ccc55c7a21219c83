package schedule

import (
	"errors"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
)

// refusedFile is an input that Timeline refuses, naming the field.
type refusedFile struct {
	Title string `json:"title"`
	Field string `json:"field"`
	Input string `json:"input"`
}

// goodFile is a plan that is changed in one place by each refusal.
const goodFile = `{
 "zone": "Asia/Ho_Chi_Minh",
 "from": "2026-12-01T00:00:00+07:00",
 "to": "2026-12-03T00:00:00+07:00",
 "path": ["tinh", "xa"],
 "quiet_hours": [{"unit": "xa", "start": "21:30", "end": "05:00"}],
 "airings": [
  {"id": "a", "unit": "xa", "class": "normal", "start": "2026-12-01T05:00:00", "rule": "FREQ=DAILY", "exdates": ["2026-12-02T05:00:00"], "rdates": ["2026-12-01T06:00:00"], "length": 60000, "lateness": 600000, "order": -1, "approved": "2026-11-30T00:00:00Z", "after_cut": "resume", "night": true, "published": "2026-11-30T00:00:00.123Z", "arrives": "2026-11-30T00:00:01Z", "replaces": "z"},
  {"id": "e", "unit": "tinh", "class": "emergency", "start": "2026-12-01T05:00:00", "length": 60000, "approved": "2026-11-30T00:00:00Z", "published": "2026-11-30T00:00:00Z", "drill": true, "until": "2026-12-01T06:00:00+07:00", "passes": 2, "every": 60000, "supersedes": "z"}
 ],
 "events": [
  {"at": "2026-12-01T05:00:00+07:00", "do": "off"},
  {"at": "2026-12-01T05:00:01+07:00", "do": "missing", "airing": "a"},
  {"at": "2026-12-01T05:00:02+07:00", "do": "stop", "airing": "a", "start": "2026-12-01T05:00:00+07:00"},
  {"at": "2026-12-01T05:00:03+07:00", "do": "stop", "unit": "xa"}
 ]
}`

// refusedFiles changes goodFile: the first occurrence of old becomes new.
func refusedFiles() []refusedFile {
	ordinary := strings.Index(goodFile, `{"id": "a"`)
	emergency := strings.Index(goodFile, `{"id": "e"`)
	var out []refusedFile
	change := func(from int, field, old, now string) {
		at := strings.Index(goodFile[from:], old)
		if at < 0 {
			panic(old)
		}
		at += from
		out = append(out, refusedFile{
			Title: field + ": " + strings.TrimSpace(old) + " becomes " + now,
			Field: field,
			Input: goodFile[:at] + now + goodFile[at+len(old):],
		})
	}
	file := func(field, old, now string) { change(0, field, old, now) }
	a := func(field, old, now string) { change(ordinary, "airings[0]."+field, old, now) }
	e := func(field, old, now string) { change(emergency, "airings[1]."+field, old, now) }
	add := func(title, field, input string) { out = append(out, refusedFile{title, field, input}) }

	add("no JSON", "file", "")
	add("a list", "file", "[]")
	add("cut off", "file", goodFile[:len(goodFile)-1])
	add("something behind it", "file", goodFile+"{}")
	add("not UTF-8", "file", strings.Replace(goodFile, `"xa"`, "\"x\xff\"", 1))
	for _, name := range []string{"zone", "from", "to", "path"} {
		file(name, `"`+name+`"`, `"q`+name+`"`)
	}
	file("extra", `"zone"`, `"extra": 1, "zone"`)
	file("Zone", `"zone": "Asia/Ho_Chi_Minh",`, `"zone": "UTC", "Zone": "UTC",`)
	file("from", `"from"`, `"from": "2026-12-01T00:00:00Z", "from"`)
	file("zone", `"Asia/Ho_Chi_Minh"`, `"Asia/Hanoi"`)
	file("zone", `"Asia/Ho_Chi_Minh"`, `""`)
	file("zone", `"Asia/Ho_Chi_Minh"`, `"Local"`)
	file("zone", `"Asia/Ho_Chi_Minh"`, `7`)
	file("from", `"2026-12-01T00:00:00+07:00"`, `"2026-12-01T00:00:00"`)
	file("from", `"2026-12-01T00:00:00+07:00"`, `"2026-12-01 00:00:00+07:00"`)
	file("from", `"2026-12-01T00:00:00+07:00"`, `"2026-12-01T00:00:00+0700"`)
	file("from", `"2026-12-01T00:00:00+07:00"`, `"2026-12-01T00:00:00.0001Z"`)
	file("from", `"2026-12-01T00:00:00+07:00"`, `"2026-12-01T00:00:00.Z"`)
	file("from", `"2026-12-01T00:00:00+07:00"`, `"2026-12-01T00:00:00+24:00"`)
	file("to", `"2026-12-03T00:00:00+07:00"`, `1764547200000`)
	file("to", `"2026-12-03T00:00:00+07:00"`, `null`)
	file("path", `["tinh", "xa"]`, `[]`)
	file("path", `["tinh", "xa"]`, `"xa"`)
	file("path[2]", `["tinh", "xa"]`, `["tinh", "xa", "tinh"]`)
	file("path[1]", `["tinh", "xa"]`, `["tinh", "Xã"]`)
	file("path[0]", `["tinh", "xa"]`, `[1, "xa"]`)
	file("quiet_hours", `[{"unit": "xa", "start": "21:30", "end": "05:00"}]`, `null`)
	file("quiet_hours", `[{"unit": "xa", "start": "21:30", "end": "05:00"}]`, `{}`)
	file("quiet_hours[0]", `{"unit": "xa", "start": "21:30", "end": "05:00"}`, `1`)
	file("quiet_hours[0].unit", `"unit": "xa"`, `"unit": "thon"`)
	file("quiet_hours[0].unit", `"unit": "xa",`, ``)
	file("quiet_hours[0].start", `"21:30"`, `"24:00"`)
	file("quiet_hours[0].start", `"21:30"`, `"21:30:00"`)
	file("quiet_hours[0].end", `"05:00"`, `"5:00"`)
	file("quiet_hours[0].end", `, "end": "05:00"`, ``)
	file("quiet_hours[0].night", `"end"`, `"night": true, "end"`)

	for _, name := range []string{"id", "unit", "class", "start", "length", "approved", "published"} {
		a(name, `"`+name+`"`, `"`+name+`x"`)
		e(name, `"`+name+`"`, `"`+name+`x"`)
	}
	e("until", `"until": "2026-12-01T06:00:00+07:00", `, ``)
	a("extra", `"rule"`, `"extra": 1, "rule"`)
	a("id", `"id": "a"`, `"id": ""`)
	a("id", `"id": "a"`, `"id": "A"`)
	a("unit", `"xa"`, `"thon"`)
	a("class", `"normal"`, `"Normal"`)
	a("class", `"normal"`, `"urgent"`)
	a("class", `"normal"`, `1`)
	a("start", `"2026-12-01T05:00:00"`, `"2026-12-01T05:00:00Z"`)
	a("start", `"2026-12-01T05:00:00"`, `"2026-12-01T05:00"`)
	a("start", `"2026-12-01T05:00:00"`, `"2026-11-31T05:00:00"`)
	a("rule", `"FREQ=DAILY"`, `"FREQ=HOURLY"`)
	a("rule", `"FREQ=DAILY"`, `"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1"`)
	a("rule", `"FREQ=DAILY"`, `"RRULE:FREQ=DAILY"`)
	a("rule", `"FREQ=DAILY"`, `""`)
	a("rule", `"FREQ=DAILY"`, `null`)
	a("exdates[0]", `"2026-12-02T05:00:00"`, `"2026-12-02"`)
	a("exdates", `["2026-12-02T05:00:00"]`, `"2026-12-02T05:00:00"`)
	a("rdates[0]", `"2026-12-01T06:00:00"`, `6`)
	a("length", `60000`, `0`)
	a("length", `60000`, `-1`)
	a("length", `60000`, `86400001`)
	a("length", `60000`, `1.5`)
	a("length", `60000`, `"60000"`)
	a("length", `60000`, `1e4`)
	a("length", `60000`, `99999999999999999999`)
	a("lateness", `600000`, `-1`)
	a("lateness", `600000`, `604800001`)
	a("order", `"order": -1`, `"order": 0.5`)
	a("order", `"order": -1`, `"order": "1"`)
	a("approved", `"2026-11-30T00:00:00Z"`, `"yesterday"`)
	a("approved", `"2026-11-30T00:00:00Z"`, `"0001-01-01T00:00:00Z"`)
	a("after_cut", `"resume"`, `"repeat"`)
	a("after_cut", `"resume"`, `""`)
	a("night", `true`, `1`)
	a("night", `true`, `"true"`)
	a("arrives", `"2026-11-30T00:00:01Z"`, `"2026-11-30T00:00:00.122Z"`)
	a("replaces", `"z"`, `""`)
	a("replaces", `"z"`, `7`)
	a("drill", `"night": true`, `"drill": true`)
	a("until", `"night": true`, `"until": "2026-12-01T06:00:00+07:00"`)
	a("passes", `"night": true`, `"passes": 1`)
	a("every", `"night": true`, `"every": 60000`)
	a("supersedes", `"night": true`, `"supersedes": "e"`)
	e("rule", `"drill": true`, `"rule": "FREQ=DAILY"`)
	e("exdates", `"drill": true`, `"exdates": []`)
	e("rdates", `"drill": true`, `"rdates": []`)
	e("lateness", `"drill": true`, `"lateness": 0`)
	e("order", `"drill": true`, `"order": 0`)
	e("after_cut", `"drill": true`, `"after_cut": "restart"`)
	e("night", `"drill": true`, `"night": false`)
	e("drill", `"drill": true`, `"drill": "no"`)
	e("until", `"2026-12-01T06:00:00+07:00"`, `"2026-12-01T05:00:00+07:00"`)
	e("passes", `"passes": 2`, `"passes": 0`)
	e("every", `"every": 60000`, `"every": 59999`)
	e("id", `"id": "e"`, `"id": "a"`)

	file("events", `"events": [`, `"events": 1, "x": [`)
	file("events[0].at", `"at": "2026-12-01T05:00:00+07:00", `, ``)
	file("events[0].do", `, "do": "off"`, ``)
	file("events[0].do", `"off"`, `"sleep"`)
	file("events[0].do", `"off"`, `"Off"`)
	file("events[0].airing", `"do": "off"`, `"do": "off", "airing": "a"`)
	file("events[0].unit", `"do": "off"`, `"do": "mute", "unit": "xa"`)
	file("events[1].airing", `"missing", "airing": "a"`, `"missing", "airing": "nobody"`)
	file("events[1].airing", `"missing", "airing": "a"`, `"withdraw"`)
	file("events[1].start", `"missing", "airing": "a"`, `"there", "airing": "a", "start": "2026-12-01T05:00:00+07:00"`)
	file("events[1].at", `05:00:01+07:00`, `04:59:59+07:00`)
	file("events[2].airing", `"stop", "airing": "a"`, `"stop", "airing": "z"`)
	file("events[2].airing", `"stop", "airing": "a", "start": "2026-12-01T05:00:00+07:00"`, `"stop"`)
	file("events[2].start", `"start": "2026-12-01T05:00:00+07:00"`, `"start": "2026-12-01T05:00:00"`)
	file("events[3].unit", `"do": "stop", "unit": "xa"`, `"do": "stop", "unit": "huyen"`)
	file("events[3].unit", `"do": "stop", "unit": "xa"`, `"do": "stop", "airing": "a", "unit": "xa"`)
	file("events[3].start", `"do": "stop", "unit": "xa"`, `"do": "stop", "unit": "xa", "start": "2026-12-01T05:00:00+07:00"`)
	return out
}

// TestTimelineRefusesByField: whatever the contract lists is refused, in one line
// that names the field.
// SCHEDULE.md 11.2, 11.3
func TestTimelineRefusesByField(t *testing.T) {
	if lines, err := Timeline([]byte(goodFile)); err != nil || len(lines) != 3 {
		t.Fatalf("the good file: %d lines, %v", len(lines), err)
	}
	for _, c := range refusedFiles() {
		_, err := Timeline([]byte(c.Input))
		var refused *FieldError
		if !errors.As(err, &refused) || !errors.Is(err, protocol.ErrInvalid) {
			t.Errorf("%s: got %v", c.Title, err)
			continue
		}
		if refused.Field != c.Field || strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("%s: got %q", c.Title, err)
		}
	}
}

// TestTimelineTakesWhatIsLeftOut: the three lists and every field with a default
// may be missing, and null is no airing to replace.
// SCHEDULE.md 11.1
func TestTimelineTakesWhatIsLeftOut(t *testing.T) {
	lines, err := Timeline([]byte(`{"zone":"UTC","from":"2026-12-01T00:00:00Z","to":"2026-12-01T00:00:00Z","path":["xa"]}`))
	if err != nil || len(lines) != 0 {
		t.Error(lines, err)
	}
	_, err = Timeline([]byte(strings.ReplaceAll(goodFile, `"z"`, `null`)))
	if err != nil {
		t.Error(err)
	}
}
