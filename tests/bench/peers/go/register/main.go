// A registration as a function in Go: it reads, checks and answers as ours does where nothing has changed. Only that is
// measured, and what would have to be written is answered with 500.
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const day = 86_400_000

// The fields of our rules: functions/push/src/device.rs.
const (
	grace          = 30 * day
	check          = 7 * day
	clockTolerance = 60_000
)

var (
	deviceID = regexp.MustCompile(`^[A-Za-z0-9._~:@+=,!$*()'-]{1,128}$`)
	noDevice = regexp.MustCompile(`^(?:\.{1,2}|null|undefined|\(null\)|report)$`)
	tokens   = map[string]*regexp.Regexp{
		"A": regexp.MustCompile(`^(?:[0-9A-Fa-f]{2}){32,200}$`),
		// Go's expressions repeat a thousand times at most: the length is looked at apart.
		"G": regexp.MustCompile(`^[!-~]+$`),
	}
)

type request struct {
	Headers         map[string]string `json:"headers"`
	PathParameters  map[string]string `json:"pathParameters"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		DomainName string `json:"domainName"`
		TimeEpoch  int64  `json:"timeEpoch"`
	} `json:"requestContext"`
}

type response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

type registration struct {
	DeviceID string `json:"deviceId"`
	UserID   string `json:"userId"`
	Token    string `json:"token"`
	Platform string `json:"platform"`
}

type shown struct {
	registration
	CreatedTime     string `json:"createdTime"`
	LastUpdatedTime string `json:"lastUpdatedTime"`
	CreatedMode     string `json:"createdMode"`
	Href            string `json:"href"`
}

// What is refused, and with which status.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

type function struct {
	application string
	table       string
	publicURL   string
	lease       int64
	notBefore   int64
	secret      []byte
	keyID       string
	dynamodb    *dynamodb.Client
}

func main() {
	ctx := context.Background()
	settings, err := awsConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	secret, err := clientSecret(ctx, settings)
	if err != nil {
		log.Fatal(err)
	}
	f := &function{
		application: os.Getenv("APPLICATION_ID"),
		table:       os.Getenv("TABLE_NAME"),
		publicURL:   os.Getenv("PUBLIC_URL"),
		lease:       numberOf("BINDING_LEASE_DAYS", 270) * day,
		notBefore:   numberOf("BINDINGS_NOT_BEFORE", 0) * 1000,
		secret:      secret,
		keyID:       sum(string(secret))[:8],
		dynamodb: dynamodb.NewFromConfig(settings, func(options *dynamodb.Options) {
			// What answers in place of DynamoDB says no checksum, which this SDK takes for a wrong one.
			options.DisableValidateResponseChecksum = true
		}),
	}
	log.Fatal(f.serve(ctx))
}

// This SDK does not know AWS_ENDPOINT_URL yet.
func awsConfig(ctx context.Context) (aws.Config, error) {
	resolve := func(string, string, ...interface{}) (aws.Endpoint, error) {
		url := os.Getenv("AWS_ENDPOINT_URL")
		if url == "" {
			return aws.Endpoint{}, &aws.EndpointNotFoundError{}
		}
		return aws.Endpoint{URL: url, HostnameImmutable: true}, nil
	}
	return config.LoadDefaultConfig(ctx, config.WithEndpointResolverWithOptions(aws.EndpointResolverWithOptionsFunc(resolve)))
}

// Fetched once, and only its current version: ours fetches the previous one and another secret too, each again and again.
func clientSecret(ctx context.Context, settings aws.Config) ([]byte, error) {
	answer, err := secretsmanager.NewFromConfig(settings).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId:     aws.String(os.Getenv("CLIENT_SECRET_ID")),
		VersionStage: aws.String("AWSCURRENT"),
	})
	if err != nil {
		return nil, err
	}
	return []byte(aws.ToString(answer.SecretString)), nil
}

func numberOf(name string, otherwise int64) int64 {
	number, err := strconv.ParseInt(os.Getenv(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return number
}

func (f *function) register(ctx context.Context, event *request) (*shown, error) {
	now := time.Now().UnixMilli()
	if event.PathParameters["applicationId"] != f.application {
		return nil, refusal{404, "There is no such application."}
	}
	wanted, err := parsed(event)
	if err != nil {
		return nil, err
	}
	if user, genuine := f.userOf(event.Headers["clientsecret"], now); !genuine || user != wanted.UserID {
		return nil, refusal{401, "The client secret is missing, wrong or expired."}
	}
	arrived := event.RequestContext.TimeEpoch
	if arrived < now-clockTolerance || arrived > now+clockTolerance {
		arrived = now
	}
	device, holder, link, err := f.snapshot(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if device == nil || holder == nil || link == nil || !f.isUnchanged(now, arrived, wanted, device, holder, link) {
		return nil, refusal{500, "Something has changed, and would have to be written."}
	}
	return &shown{
		registration:    *wanted,
		CreatedTime:     rfc3339(number(device["created"])),
		LastUpdatedTime: rfc3339(number(device["updated"])),
		CreatedMode:     "API",
		Href:            f.origin(event) + "/imfpush/v1/apps/" + f.application + "/devices/" + wanted.DeviceID,
	}, nil
}

func parsed(event *request) (*registration, error) {
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(event.Body)
		if err != nil {
			return nil, refusal{400, "The body is not JSON."}
		}
		body = decoded
	}
	var wanted registration
	if err := json.Unmarshal(body, &wanted); err != nil {
		return nil, refusal{400, "The body is not JSON."}
	}
	token, known := tokens[wanted.Platform]
	length := utf8.RuneCountInString(wanted.UserID)
	if !known ||
		!deviceID.MatchString(wanted.DeviceID) || noDevice.MatchString(wanted.DeviceID) ||
		length < 1 || length > 254 || strings.IndexFunc(wanted.UserID, unicode.IsControl) >= 0 || wanted.UserID == "anonymous" ||
		len(wanted.Token) < 32 || len(wanted.Token) > 4096 || !token.MatchString(wanted.Token) {
		return nil, refusal{400, "A field is missing or wrong."}
	}
	return &wanted, nil
}

// For whom a client secret speaks: one form of JSON Web Token and no other.
func (f *function) userOf(text string, now int64) (string, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "", false
	}
	var header struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}
	if !decode(parts[0], &header) || header.Alg != "HS256" || header.Kid != f.keyID || header.Typ != "" && header.Typ != "JWT" {
		return "", false
	}
	mac := hmac.New(sha256.New, f.secret)
	mac.Write([]byte(text[:len(parts[0])+1+len(parts[1])]))
	tag, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(tag, mac.Sum(nil)) {
		return "", false
	}
	var claims struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Iat int64  `json:"iat"`
		Exp int64  `json:"exp"`
	}
	if !decode(parts[1], &claims) || claims.Iss != f.application || claims.Exp*1000 <= now {
		return "", false
	}
	return claims.Sub, true
}

// Refuses fields that are not known: one of them could change what is verified.
func decode(part string, into interface{}) bool {
	decoder := json.NewDecoder(base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(part)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into) == nil
}

type item = map[string]types.AttributeValue

// The items of the device, of its token and of the user's link to it, in one consistent read.
func (f *function) snapshot(ctx context.Context, wanted *registration) (device, holder, link item, err error) {
	canonical := wanted.Token
	if wanted.Platform == "A" {
		canonical = strings.ToLower(canonical)
	}
	shard := sha256.Sum256([]byte(wanted.DeviceID))[0]
	pks := [3]string{
		fmt.Sprintf("DEVICES#%d", shard),
		"TOKEN#" + sum(wanted.Platform+":"+canonical),
		"USER#" + wanted.UserID,
	}
	sks := [3]string{wanted.DeviceID, "TOKEN", wanted.DeviceID}
	keys := make([]item, 0, len(pks))
	for i := range pks {
		keys = append(keys, item{
			"pk": &types.AttributeValueMemberS{Value: pks[i]},
			"sk": &types.AttributeValueMemberS{Value: sks[i]},
		})
	}
	answer, err := f.dynamodb.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{f.table: {Keys: keys, ConsistentRead: aws.Bool(true)}},
	})
	if err != nil {
		return nil, nil, nil, err
	}
	if len(answer.UnprocessedKeys) > 0 {
		return nil, nil, nil, refusal{500, "The table has not answered in full."}
	}
	for _, found := range answer.Responses[f.table] {
		switch text(found["pk"]) {
		case pks[0]:
			device = found
		case pks[1]:
			holder = found
		case pks[2]:
			link = found
		}
	}
	return device, holder, link, nil
}

func (f *function) isUnchanged(now, arrived int64, wanted *registration, device, holder, link item) bool {
	overtaken := number(device["arrived"]) > arrived || number(holder["arrived"]) > arrived ||
		number(device["barrier"]) > arrived
	if marks, some := device["marks"].(*types.AttributeValueMemberM); some {
		overtaken = overtaken || number(marks.Value[sum(wanted.UserID)[:32]]) > arrived ||
			number(marks.Value["*"]) > arrived
	}
	_, ended := device["ended"]
	expires := number(device["expires"]) * 1000
	return !overtaken &&
		!ended &&
		expires > now &&
		text(device["owner"]) == wanted.UserID &&
		number(device["lease"])*1000 > now &&
		number(device["updated"]) >= f.notBefore &&
		text(device["platform"]) == wanted.Platform &&
		text(device["token"]) == wanted.Token &&
		text(holder["d"]) == wanted.DeviceID &&
		number(holder["expires"])*1000 > now &&
		number(link["expires"])*1000 > now &&
		expires-grace-now > f.lease/2 &&
		now-number(device["checked"]) < check
}

func text(attribute types.AttributeValue) string {
	if s, fits := attribute.(*types.AttributeValueMemberS); fits {
		return s.Value
	}
	return ""
}

func number(attribute types.AttributeValue) int64 {
	if n, fits := attribute.(*types.AttributeValueMemberN); fits {
		number, _ := strconv.ParseInt(n.Value, 10, 64)
		return number
	}
	return 0
}

func (f *function) origin(event *request) string {
	if f.publicURL != "" {
		return f.publicURL
	}
	scheme, some := event.Headers["x-forwarded-proto"]
	if !some {
		scheme = "https"
	}
	return scheme + "://" + event.RequestContext.DomainName
}

func rfc3339(millis int64) string {
	return time.UnixMilli(millis).UTC().Format(time.RFC3339)
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func (f *function) handle(ctx context.Context, payload []byte) response {
	var event request
	if err := json.Unmarshal(payload, &event); err != nil {
		return failed(err)
	}
	device, err := f.register(ctx, &event)
	if err != nil {
		return failed(err)
	}
	return answer(201, device)
}

func failed(err error) response {
	var refused refusal
	if !errors.As(err, &refused) {
		log.Print(err)
		refused = refusal{500, err.Error()}
	}
	return answer(refused.status, map[string]string{"message": refused.message})
}

func answer(status int, body interface{}) response {
	// Neither a device nor a message can fail to be written.
	text, _ := json.Marshal(body)
	return response{status, map[string]string{"content-type": "application/json"}, string(text)}
}

// The Runtime API itself: Debian has no package of AWS's own client for it.
func (f *function) serve(ctx context.Context) error {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(base + "next")
		if err != nil {
			return err
		}
		payload, err := io.ReadAll(next.Body)
		next.Body.Close()
		if err != nil {
			return err
		}
		answered, err := json.Marshal(f.handle(ctx, payload))
		if err != nil {
			return err
		}
		id := next.Header.Get("lambda-runtime-aws-request-id")
		done, err := http.Post(base+id+"/response", "application/json", bytes.NewReader(answered))
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, done.Body)
		done.Body.Close()
		if err != nil {
			return err
		}
	}
}
