package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// roles is the test's world: what belongs to the commune, by operation.
type roles struct {
	*world
	doc       described
	clients   map[string]*caller
	top       *caller // every role in the commune
	bulletin  string  // ready, with sound and board
	other     string  // another one
	approved  string
	submitted string
	airing    string
	upload    string
	objects   map[string]object
	made      map[string]target
}

// object is how what an operation acts on comes about.
type object struct {
	// make makes it; by is the caller if it is own, somebody who may otherwise.
	make func(by *caller, who string) target
	own  bool // belongs to its maker alone
	once bool // who is admitted uses it up
}

// target is what an operation is called with.
type target struct {
	id, more string // of the path: {id}, and what stands behind it
	body     string // "": what the schema asks for
}

// unfinished is a voice that never comes to the end of a text that says so.
type unfinished struct {
	voice
	begun chan struct{}
	once  bool
}

const endless = "Bài này nói mãi. "

func (v *unfinished) Speak(ctx context.Context, req speech.Request) (speech.PCM, error) {
	if strings.Contains(req.Text, "nói mãi") {
		v.mu.Lock()
		first := !v.once
		v.once = true
		v.mu.Unlock()
		if !first {
			close(v.begun)
			<-ctx.Done()
			return speech.PCM{}, ctx.Err()
		}
	}
	return v.voice.Speak(ctx, req)
}

// newRoles makes the world: a person for each role, and something of each kind.
func newRoles(t *testing.T) *roles {
	t.Helper()
	speaks := &unfinished{begun: make(chan struct{})}
	w := initialised(t, func(c *config.Config) {
		c.Relay.Stations = map[string]string{"x": "http://127.0.0.1:1/x Đài mẫu"}
		c.Studio.Workers = 3 // one is kept by the text without end
	})
	w.engine = speaks
	w.open()
	r := &roles{world: w, clients: map[string]*caller{}, made: map[string]target{}}
	everything := func(unit protocol.UnitID) (all []account.Grant) {
		for _, role := range account.Roles() {
			all = append(all, account.Grant{Unit: unit, Role: role})
		}
		return all
	}
	for _, g := range everything(commune) {
		r.person(string(g.Role), g)
	}
	r.person("top", everything(commune)...)
	r.person("elsewhere", everything("thon-dong")...)
	r.person("subject", account.Grant{Unit: commune, Role: account.Editor})
	r.person("guest", account.Grant{Unit: commune, Role: account.Editor})
	w.enrolled(registry.NewDevice{ID: "loa-dong", Name: "Loa", Unit: commune, Sound: true, Serves: map[protocol.UnitID]uint64{"thon-dong": 1000}})
	_, err := w.Registry.AddDevice(t.Context(), registry.NewDevice{ID: "bang-dong", Name: "Bảng", Unit: commune, Board: &protocol.Display{Width: 192, Height: 32, Row: 16}}, registrar, "quantri")
	must(t, err)
	must(t, w.Alerts.Raise(t.Context(), alert.Alert{Kind: alert.Gap, Device: "loa-dong", Subject: "x", First: 1, Last: 2, Since: time.Now(), Raised: time.Now()}))
	for _, who := range append(callers(), "top") {
		r.clients[who] = r.caller(map[bool]string{false: who}[who == "stranger"])
	}
	r.top = r.clients["top"]

	r.bulletin = string(w.ready(spokenText(2)).ID)
	r.other = string(w.ready(spokenText(1)).ID)
	r.approved = w.air(w.ready(spokenText(1)), bulletin.Wish{When: bulletin.Now}, "duyet1").Digest.String()
	r.submitted = w.air(w.ready(spokenText(3)), bulletin.Wish{When: bulletin.Now}).Digest.String()
	w.until("there is an airing", func() bool {
		airings, err := w.Programme.List(t.Context(), w.actor("soan"), time.Now().Add(-time.Hour))
		must(t, err)
		if len(airings) > 0 {
			r.airing = string(airings[0].Wire.ID)
		}
		return len(airings) > 0
	})
	var sound bytes.Buffer
	must(t, speech.WriteWAV(&sound, speech.PCM{Rate: 22050, Samples: make([]int16, 22050)}))
	r.upload = r.top.got("digest", "POST", "/uploads", sound.String(), "application/octet-stream")
	r.objects = r.kinds(speaks)

	res, err := http.Get("http://" + w.WebAddr().String() + "/api/openapi.json")
	must(t, err)
	must(t, json.NewDecoder(res.Body).Decode(&r.doc))
	must(t, res.Body.Close())
	return r
}

// got calls what has to succeed and returns a member of the answer, or of the first
// in a list.
func (c *caller) got(member, method, path, body, kind string) string {
	c.t.Helper()
	status, text := c.do(method, path, body, kind)
	if status >= 300 {
		c.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	var answer map[string]any
	if strings.HasPrefix(text, "[") {
		var list []map[string]any
		must(c.t, json.Unmarshal([]byte(text), &list))
		answer = list[0]
	} else {
		must(c.t, json.Unmarshal([]byte(text), &answer))
	}
	return fmt.Sprint(answer[member])
}

// key is under which a target is kept until it is used up.
func (r *roles) key(op, who string) string {
	if r.objects[op].own {
		return op + " " + who
	}
	return op
}

// target returns what an operation acts on. A stranger owns nothing, and tries what
// is somebody else's.
func (r *roles) target(op, who string) target {
	r.t.Helper()
	o, ok := r.objects[op]
	if !ok {
		return target{id: string(commune), more: string(commune)}
	}
	key := r.key(op, who)
	t, there := r.made[key]
	if !there {
		by := r.top
		if o.own && who != "stranger" {
			by = r.clients[who]
		}
		t = o.make(by, who)
		r.made[key] = t
	}
	return t
}

// kinds says for each operation what it acts on; the others act on the commune with
// the smallest body that their schema allows.
func (r *roles) kinds(speaks *unfinished) map[string]object {
	all := map[string]object{}
	add := func(o object, ops ...string) {
		for _, op := range ops {
			all[op] = o
		}
	}
	is := func(t target) object { return object{make: func(*caller, string) target { return t }} }
	body := func(b string) object { return is(target{id: string(commune), body: b}) }
	r.people(add, is, body)
	r.devices(add, is)
	r.bulletins(add, is, speaks)
	r.programmes(add)

	add(is(target{id: r.submitted}), "get-approval", "return", "ask-passkey")
	add(object{once: true, make: func(*caller, string) target {
		b := r.ready(bulletin.Content{Board: "MỜI BÀ CON"})
		return target{id: r.air(b, bulletin.Wish{When: bulletin.Now}).Digest.String(), body: fmt.Sprintf(`{"password":%q}`, password)}
	}}, "approve")
	add(is(target{id: r.airing}), "get-airing", "withdraw-airing")
	add(body(`{"approval":"`+r.approved+`","wish":{"when":"now","units":["xa-binh-an"]}}`), "create-airing")
	add(body(`{"unit":"xa-binh-an"}`), "stop")
	add(object{once: true, make: func(by *caller, _ string) target {
		return target{id: by.got("id", "POST", "/stops", `{"unit":"xa-binh-an"}`, "application/json")}
	}}, "take-stop-back")
	add(body(`{"file":"aWQsY29kZSxuYW1lLGtpbmQscGFyZW50LHZhbGlkX2Zyb20KdGhvbi1tb2ksLFgsdmlsbGFnZSx4YS1iaW5oLWFuLDIwMjYtMDEtMDEK","dry":true}`), "import-units")
	add(body(`[{"start":"21:30","end":"05:00"}]`), "set-quiet-hours")
	add(object{make: func(by *caller, _ string) target {
		by.ok("PUT", "/units/xa-binh-an/map", `{"geojson":"{\"type\":\"FeatureCollection\",\"features\":[]}"}`)
		return target{id: string(commune)}
	}}, "get-map")
	const template = `{"unit":"xa-binh-an","name":"Cháy","title":"Cháy","text":"Cháy ở chợ.","board":"","clear_title":"","clear_text":"Hết cháy.","clear_board":""}`
	made := func(by *caller, _ string) target {
		return target{id: by.ok("POST", "/templates", template), body: template}
	}
	add(body(template), "create-template")
	add(object{make: made}, "put-template")
	add(object{once: true, make: func(by *caller, who string) target { return target{id: made(by, who).id} }}, "delete-template")
	return all
}

// people are what the operations on accounts act on.
func (r *roles) people(add func(object, ...string), is func(target) object, body func(string) object) {
	subject := target{id: "subject", more: "subject"}
	add(is(subject), "list-sessions", "end-sessions", "disable-user", "set-password", "get-identity", "set-identity")
	add(is(target{id: "subject", body: `{"grants":[{"unit":"xa-binh-an","role":"editor"}]}`}), "set-grants")
	add(body(`{"id":"moi","name":"Mới","password":"x","grants":[{"unit":"xa-binh-an","role":"editor"}]}`), "add-user")
	add(body(`{"roles":[]}`), "set-second-factor-demand")
	add(object{once: true, make: func(*caller, string) target {
		_, err := r.Account.BeginSecond(r.t.Context(), "subject")
		must(r.t, err)
		return subject
	}}, "reset-second-factor")
	add(object{once: true, make: func(by *caller, _ string) target {
		r.caller("guest")
		return target{id: "guest", more: by.got("id", "GET", "/users/guest/sessions", "", "")}
	}}, "end-session")

	// What is one's own.
	asks := fmt.Sprintf(`{"password":%q}`, password)
	add(object{own: true, once: true, make: func(by *caller, _ string) target {
		by.do("POST", "/second-factor", "", "")
		return target{body: asks}
	}}, "end-second-factor")
	add(object{own: true, once: true, make: func(by *caller, _ string) target {
		return target{id: by.ok("POST", "/tokens", `{"name":"x","days":1}`)}
	}}, "revoke-token")
	draft := func(by *caller, who string) target {
		by.ok("PUT", "/drafts/nhap-"+who, `{"title":"Nháp","content":{},"changed":"2026-01-01T00:00:00Z"}`)
		return target{id: "nhap-" + who}
	}
	add(object{own: true, make: draft}, "get-draft")
	add(object{own: true, once: true, make: draft}, "delete-draft")
	add(object{own: true, make: func(_ *caller, who string) target {
		return target{id: r.passkey(protocol.PersonID(strings.Replace(who, "stranger", "top", 1))), body: fmt.Sprintf(`{"on":false,"password":%q}`, password)}
	}}, "set-passkey-log-in")
	add(object{own: true, make: func(by *caller, _ string) target {
		part := r.upload
		if status, text := by.do("POST", "/uploads", "x", "application/octet-stream"); status < 300 {
			var up struct{ Digest string }
			must(r.t, json.Unmarshal([]byte(text), &up))
			part = up.Digest
		}
		return target{body: `{"parts":["` + part + `"]}`}
	}}, "join-uploads")

	// What a registrar signs.
	signs := func(rest string) string { return fmt.Sprintf(`{%s"registrar_password":%q}`, rest, registrar) }
	add(body(signs(`"classes":[],`)), "demand-passkeys")
	add(object{once: true, make: func(*caller, string) target {
		must(r.t, r.Account.AddDeputy(r.t.Context(), account.Deputy{
			Person: "duyet2", For: "duyet1", Unit: commune, From: time.Now(), Until: time.Now().Add(24 * time.Hour),
		}, registrar, "quantri"))
		return target{id: string(commune), body: signs(`"person":"duyet2",`)}
	}}, "end-deputy")
	add(object{once: true, make: func(*caller, string) target {
		return target{id: r.passkey("duyet2"), body: signs("")}
	}}, "confirm-passkey", "revoke-passkey")
}

// passkey stores a passkey of somebody's that no registrar has seen yet.
func (r *roles) passkey(person protocol.PersonID) string {
	r.t.Helper()
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(r.t, err)
	key, err := envelope.PasskeyOf(&raw.PublicKey)
	must(r.t, err)
	p := account.Passkey{Credential: account.Credential{ID: []byte(rand.Text()), Key: key}, Name: "điện thoại", Handle: strings.ToLower(rand.Text()), Person: person, Created: time.Now()}
	must(r.t, r.DB.Accounts().AddPasskey(r.t.Context(), p, audit.Act{At: time.Now(), By: person, About: person, Name: "passkey added"}))
	return p.Handle
}

func (r *roles) devices(add func(object, ...string), is func(target) object) {
	add(is(target{id: "loa-dong"}), "get-device", "place-device", "revoke-device", "put-photo", "mute-device", "sound-tone", "make-installation")
	add(is(target{id: "loa-dong", body: `{"file":"eA=="}`}), "answer-installation")
	add(is(target{body: `{"file":"aWQsbmFtZSx1bml0LHNvdW5kCmxvYS1uaGFwLExvYSBuaOG6rXAseGEtYmluaC1hbix5ZXMK","dry":true}`}), "import-devices")
	add(is(target{id: string(commune), more: "volume", body: `[]`}), "set-limits")
	var picture bytes.Buffer
	must(r.t, jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 16, 16)), nil))
	add(object{make: func(by *caller, _ string) target {
		if status, text := by.do("PUT", "/devices/loa-dong/photo", picture.String(), "application/octet-stream"); status >= 300 {
			r.t.Fatalf("photo: %d %s", status, text)
		}
		return target{id: "loa-dong"}
	}}, "get-photo")
	add(object{make: func(by *caller, _ string) target {
		body := fmt.Sprintf(`{"airing":%q,"at":%q,"by":"photo","picture":%q}`, r.airing, time.Now().Add(-time.Second).Format(time.RFC3339), base64.StdEncoding.EncodeToString(picture.Bytes()))
		if status, text := by.do("POST", "/devices/bang-dong/sightings", body, "application/json"); status >= 300 {
			r.t.Fatalf("sighting: %d %s", status, text)
		}
		return target{id: "bang-dong", more: r.airing}
	}}, "get-sighting")
	add(is(target{id: "bang-dong", body: fmt.Sprintf(`{"airing":%q,"at":%q,"by":"light","lux":100}`, r.airing, time.Now().Format(time.RFC3339))}), "see-board")
	add(object{make: func(by *caller, _ string) target {
		return target{id: by.got("id", "GET", "/alerts", "", "")}
	}}, "see-alert")
}

func (r *roles) bulletins(add func(object, ...string), is func(target) object, speaks *unfinished) {
	const content = `{"unit":"xa-binh-an","class":"normal","title":"Họp thôn","text":"Mời bà con.","board":"MỜI BÀ CON"}`
	const wish = `{"when":"now","units":["xa-binh-an"]}`
	add(is(target{id: r.bulletin}), "get-bulletin", "get-bulletin-job", "get-sound", "get-pages", "get-reach", "get-reach-sheet")
	add(is(target{id: r.bulletin, body: wish}), "preview-airing")
	add(is(target{id: r.bulletin, body: fmt.Sprintf(`{"bulletin":%q}`, r.other)}), "set-all-clear")
	add(is(target{body: content}), "create-bulletin")
	add(object{once: true, make: func(by *caller, _ string) target {
		return target{id: by.ok("POST", "/bulletins", content), body: content}
	}}, "edit-bulletin")
	board := func(by *caller) string {
		id := by.ok("POST", "/bulletins", `{"unit":"xa-binh-an","class":"normal","title":"Họp thôn","board":"MỜI BÀ CON"}`)
		r.until("it is ready", func() bool {
			b, err := r.Bulletins.Get(r.t.Context(), r.actor("top"), protocol.BulletinID(id))
			must(r.t, err)
			return b.State == bulletin.Ready
		})
		return id
	}
	add(object{once: true, make: func(by *caller, _ string) target { return target{id: board(by), body: wish} }}, "submit-bulletin")
	add(object{make: func(by *caller, _ string) target {
		id := board(by)
		by.ok("POST", "/bulletins/"+id+"/submit", wish)
		return target{id: by.got("id", "PUT", "/bulletins/"+id, content, "application/json")}
	}}, "get-previous-bulletin")
	add(object{make: func(by *caller, _ string) target {
		by.ok("PUT", "/bulletins/"+r.bulletin+"/all-clear", fmt.Sprintf(`{"bulletin":%q}`, r.other))
		return target{id: r.bulletin}
	}}, "get-all-clear")
	add(object{make: func(by *caller, _ string) target {
		var b bytes.Buffer
		must(r.t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 16, 16))))
		digest := by.got("digest", "POST", "/pictures", b.String(), "application/octet-stream")
		return target{id: by.ok("POST", "/bulletins", `{"unit":"xa-binh-an","class":"normal","title":"Họp","board":"MỜI","layout":"picture","picture":"`+digest+`"}`)}
	}}, "get-picture")
	add(object{make: func(by *caller, _ string) target {
		id := by.ok("POST", "/bulletins", `{"unit":"xa-binh-an","class":"normal","title":"Dài","text":"`+strings.Repeat(endless, 60)+`","options":{"wanted":true}}`)
		r.until("the text is being spoken", func() bool {
			select {
			case <-speaks.begun:
				return true
			default:
				return false
			}
		})
		return target{id: id}
	}}, "get-growing-sound")
	add(object{make: func(by *caller, _ string) target {
		return target{id: by.ok("POST", "/bulletins", `{"unit":"xa-binh-an","class":"normal","title":"Thu âm","upload":"`+r.upload+`","options":{"wanted":true}}`)}
	}}, "get-original-sound")
	add(object{make: func(by *caller, _ string) target {
		return target{id: by.got("id", "GET", "/bulletins/"+r.bulletin+"/job", "", "")}
	}}, "retry-job")

	const relay = `{"unit":"xa-binh-an","station":"x","class":"normal","minutes":1,"from":"05:00","to":"06:00"}`
	add(is(target{body: relay}), "create-relay")
	add(object{make: func(by *caller, _ string) target {
		return target{id: by.ok("POST", "/relays", strings.Replace(relay, `"station":"x"`, `"source":"Chủ tịch"`, 1))}
	}}, "list-relay-events", "send-live-sound")
}

func (r *roles) programmes(add func(object, ...string)) {
	tomorrow := time.Now().AddDate(0, 0, 1).In(r.Zone).Format(time.DateOnly)
	content := func(whose string) string {
		return `{"unit":"xa-binh-an","name":"Sáng",` + whose + `,"slot":{"start":"` + tomorrow + `T05:00:00","minutes":30},"items":[{"kind":"bulletin","bulletin":"` + r.bulletin + `"}]}`
	}
	programme := content(`"units":["xa-binh-an"]`)
	made := func(by *caller, _ string) target { return target{id: by.ok("POST", "/programmes", programme)} }
	add(object{make: made}, "get-programme", "list-answers")
	add(object{make: func(by *caller, who string) target { return target{id: made(by, who).id, body: programme} }}, "edit-programme")
	add(object{once: true, make: made}, "withdraw-programme")
	fixed := func(body string) object {
		return object{make: func(*caller, string) target { return target{body: body} }}
	}
	add(fixed(programme), "create-programme")
	add(fixed(`{"village":"thon-doai","programme":`+programme+`}`), "preview-programme")
	add(fixed(`{"unit":"xa-binh-an","from":"2026-01-05","to":"2026-01-12"}`), "copy-week")

	const group = `{"unit":"xa-binh-an","name":"Nhóm","members":["xa-binh-an"]}`
	add(fixed(group), "create-group")
	add(object{make: func(by *caller, _ string) target { return target{id: by.ok("POST", "/groups", group), body: group} }}, "edit-group")
	add(object{make: func(by *caller, _ string) target {
		whose := fmt.Sprintf(`"group":%q,"deadline":%q`, by.ok("POST", "/groups", group), time.Now().Add(time.Hour).Format(time.RFC3339))
		return target{id: by.ok("POST", "/programmes", content(whose)), more: string(commune), body: `{"accept":true}`}
	}}, "answer-programme")
}

// othersOwn holds that what is one's own is nobody else's, whatever their role.
func (r *roles) othersOwn() {
	r.t.Helper()
	draft, token, key := r.target("get-draft", "editor"), r.target("revoke-token", "editor"), r.target("set-passkey-log-in", "editor")
	top := r.clients["top"]
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/drafts/" + draft.id, ""},
		{"DELETE", "/tokens/" + token.id, ""},
		{"PUT", "/passkeys/" + key.id + "/log-in", key.body},
	} {
		if status, text := top.do(c.method, c.path, c.body, "application/json"); status != http.StatusNotFound {
			r.t.Errorf("%s %s by another: %d %s", c.method, c.path, status, text)
		}
	}
	top.do("DELETE", "/drafts/"+draft.id, "", "")
	r.clients["editor"].ok("GET", "/drafts/"+draft.id, "")
}
