desk-role-helpdesk = Helpdesk
desk-role-administrator = Administration
desk-role-auditor = Revision
desk-nav-users = Person suchen
desk-nav-approvals = Freigaben
desk-nav-approvals-n = Freigaben ({ $n })
desk-nav-adoption = 2FA-Verbreitung
desk-nav-audit = Protokoll
desk-nav-new = Neues Konto
desk-nav-import = Import
desk-nav-services = Ihre Dienste
desk-utc = Zeiten in UTC.
desk-find-title = Person suchen
desk-find-label = Name, E-Mail-Adresse oder Benutzername
desk-find-submit = Suchen
desk-find-filter = Nach Zwei-Faktor-Status filtern
desk-find-all = Alle { $n }
desk-find-on = Aktiv { $n }
desk-find-grace = Wird erinnert { $n }
desk-find-due = Frist überschritten { $n }
desk-find-exempt = Ausgenommen { $n }
desk-find-count = { $n ->
    [one] 1 Person gefunden
   *[other] { $n } Personen gefunden
 }
desk-find-more-title = Die ersten { $n }
desk-find-more = Es sind mehr als 50. Grenzen Sie ein: ergänzen Sie einen Teil des Namens oder suchen Sie mit der ganzen E-Mail-Adresse.
desk-find-none = Niemand passt zu „{ $query }“. Prüfen Sie die Schreibweise oder suchen Sie mit der ganzen E-Mail-Adresse.
desk-find-nobody = In dieser Liste steht niemand.
desk-find-short = Geben Sie mindestens 3 Zeichen ein
desk-find-last = Letzte Anmeldung:
desk-find-never = Nie angemeldet
desk-find-disabled = Gesperrt
desk-find-audited = Jede Suche wird protokolliert.
desk-state-on = Aktiv
desk-state-grace = { $days ->
    [one] Wird erinnert, noch 1 Tag
   *[other] Wird erinnert, noch { $days } Tage
 }
desk-state-reminding = Wird erinnert
desk-state-due = Frist überschritten
desk-state-exempt = Ausgenommen
desk-state-exempt-until = Ausgenommen bis { $date }
desk-user-login = Benutzername: { $login }
desk-user-on = Zwei-Faktor aktiv
desk-user-status = Status
desk-user-app = Authenticator
desk-user-enabled = Eingerichtet
desk-user-last = Letzter gültiger Code
desk-user-codes = Notfallcodes
desk-user-codes-left = { $n } von { $total } übrig
desk-user-devices = Vertraute Geräte
desk-user-sessions = Aktive Sitzungen
desk-user-signed-in = Letzte Anmeldung
desk-user-never = Nie
desk-user-pw = Passwort geändert
desk-user-otc = Offener Einmalcode
desk-user-until = bis
desk-user-paused = Codes pausiert
desk-user-exempt-until = Ausgenommen bis
desk-user-none = Keine
desk-user-groups = Gruppen
desk-user-disabled = Konto gesperrt
desk-user-audit-all = Alles zeigen
desk-user-help = Dieser Person helfen
desk-user-help-note = Alles, was Sie hier tun, wird protokolliert, und die Person erfährt es per E-Mail.
desk-user-look = Ihre Rolle darf dieses Konto ansehen, aber nichts ändern.
desk-user-account = Konto
desk-user-issue = Einmalcode ausstellen
desk-user-out = Überall abmelden
desk-user-untrust = Vertraute Geräte entfernen
desk-user-reset = Authenticator zurücksetzen
desk-user-reset-note = Das Zurücksetzen muss eine zweite Person freigeben.
desk-user-exempt = Von der Frist ausnehmen
desk-user-unlock = Entsperren
desk-user-password-reset = Passwort-Rücksetzung starten
desk-user-groups-change = Gruppen ändern
desk-user-disable = Konto sperren
desk-user-enable = Konto freigeben
desk-user-delete = Konto löschen
desk-user-keep = Konto behalten
desk-user-two-agents = Dieses Konto hat eine Rolle in dieser Konsole. Alles, was daran geändert wird, muss eine zweite Person freigeben.
desk-user-self = Für Ihr eigenes Konto können Sie weder einen Code ausstellen noch etwas zurücksetzen.
desk-user-higher = Dieses Konto hat eine höhere Rolle als Sie. Die Administration kann helfen.
desk-user-contact = Die Kontaktdaten dieses Kontos wurden am { $date } geändert. 7 Tage lang wird nichts Geheimes dorthin geschickt: Prüfen Sie genau, wer fragt.
desk-user-deletion = Dieses Konto wird am { $date } gelöscht.
desk-user-out-done = { $name } wurde überall abgemeldet.
desk-user-out-count = { $n ->
    [one] 1 Sitzung wurde beendet.
   *[other] { $n } Sitzungen wurden beendet.
 }
desk-user-untrust-done = { $n ->
    [one] 1 vertrautes Gerät wurde entfernt.
   *[other] { $n } vertraute Geräte wurden entfernt.
 }
desk-user-reset-wait = { $minutes ->
    [one] Das Zurücksetzen wartet auf eine zweite Person. Es verfällt in 1 Minute.
   *[other] Das Zurücksetzen wartet auf eine zweite Person. Es verfällt in { $minutes } Minuten.
 }
desk-user-wait = { $minutes ->
    [one] Es wartet auf eine zweite Person. Es verfällt in 1 Minute.
   *[other] Es wartet auf eine zweite Person. Es verfällt in { $minutes } Minuten.
 }
desk-user-reset-done = Der Authenticator wurde zurückgesetzt.
desk-user-exempted = Von der Frist ausgenommen bis { $date }.
desk-user-unlocked = Alle Pausen sind aufgehoben. Die Person kann es sofort wieder versuchen.
desk-user-disabled-done = Das Konto ist gesperrt, alle seine Sitzungen sind beendet.
desk-user-enabled-done = Das Konto ist freigegeben.
desk-user-groups-done = Die Gruppen wurden geändert.
desk-user-deletion-done = Das Konto ist geschlossen und wird am { $date } gelöscht. Bis dahin kann es behalten werden.
desk-user-kept = Das Konto wird nicht gelöscht.
desk-user-reset-sent = Ein Link zum Wählen eines neuen Passworts wurde an { $email } gesendet.
desk-user-created = Das Konto wurde angelegt.
desk-user-invited = Das Konto wurde angelegt, eine Einladung wurde an { $email } gesendet.
desk-off-authenticator = Es ist kein Authenticator eingerichtet.
desk-off-devices = Es gibt keine vertrauten Geräte.
desk-off-sessions = Es gibt keine aktiven Sitzungen.
desk-off-paused = Nichts ist pausiert.
desk-off-email = Das Konto hat keine E-Mail-Adresse.
desk-off-contact = Die Kontaktdaten wurden in den letzten 7 Tagen geändert.
desk-off-mail = E-Mail ist nicht eingerichtet.
desk-off-waiting = Wartet auf eine zweite Person.
desk-act-for = Für
desk-act-issue = Er ersetzt bei einer Anmeldung den Code aus der App. Das Passwort wird weiterhin gebraucht.
desk-act-out = Alle Sitzungen enden sofort, auf jedem Gerät. Vertraute Geräte bleiben vertraut.
desk-act-untrust = Jedes Gerät wird bei der nächsten Anmeldung wieder nach einem Code gefragt.
desk-act-reset = Authenticator, Notfallcodes und vertraute Geräte werden entfernt, alle Sitzungen enden. Bei der nächsten Anmeldung wird ein neuer Authenticator eingerichtet.
desk-act-exempt = Bis zu diesem Tag ist eine Anmeldung ohne eingerichtete Zwei-Faktor-Authentifizierung möglich, auch wo die Richtlinie sie verlangt.
desk-act-unlock = Pausen nach falschen Passwörtern und Codes werden aufgehoben. Passwort und Codes bleiben, wie sie sind.
desk-act-password-reset = Die Person erhält per E-Mail einen Link und wählt ein neues Passwort. Sie sehen es nicht, die Zwei-Faktor-Authentifizierung bleibt aktiv.
desk-act-groups = Gruppen entscheiden, welche Dienste geöffnet werden dürfen. Die Änderung gilt sofort.
desk-act-disable = Eine Anmeldung ist nicht mehr möglich, alle Sitzungen enden sofort. Nichts wird gelöscht.
desk-act-enable = Eine Anmeldung ist wieder möglich, mit Passwort und Authenticator wie zuvor.
desk-act-delete = { $days ->
    [one] Das Konto wird sofort geschlossen und nach 1 Tag gelöscht. Bis dahin kann es behalten werden.
   *[other] Das Konto wird sofort geschlossen und nach { $days } Tagen gelöscht. Bis dahin kann es behalten werden.
 }
desk-act-keep = Die geplante Löschung wird zurückgenommen.
desk-act-second = Dies gilt erst, wenn eine zweite Person es freigegeben hat.
desk-act-until = Letzter Tag der Ausnahme
desk-act-until-empty = Geben Sie den letzten Tag der Ausnahme ein
desk-act-until-err = { $days ->
    [one] Wählen Sie morgen
   *[other] Wählen Sie einen Tag ab morgen, höchstens { $days } Tage im Voraus
 }
desk-groups-hint = Durch Kommas getrennt
desk-groups-err = Ein Gruppenname besteht aus Buchstaben, Ziffern, Punkten, Binde- und Unterstrichen
desk-issue-title = Einmalcode ausstellen
desk-issue-page = Einmalcode für { $name } ausstellen
desk-issue-check = Wie haben Sie geprüft, dass es die Person selbst ist?
desk-issue-check-callback = Rückruf unter der hinterlegten Nummer
desk-issue-check-manager = Von der Führungskraft bestätigt
desk-issue-check-id = Ausweis gesehen, persönlich oder per Video
desk-issue-check-err = Wählen Sie, wie Sie die Person geprüft haben
desk-issue-send = Wie kommt der Code zur Person?
desk-issue-send-email = An { $email } senden
desk-issue-send-mail = Per E-Mail senden
desk-issue-send-email-hint = Sie sehen den Code nicht.
desk-issue-send-show = Mir einmal zeigen, für Chat oder Telefon
desk-issue-send-err = Wählen Sie, wie der Code zur Person kommt
desk-issue-case = Fallnummer
desk-issue-case-err = Geben Sie die Fallnummer ein
desk-issue-quota = { $minutes ->
    [one] Sie haben innerhalb einer Stunde 5 Einmalcodes ausgestellt. Versuchen Sie es in 1 Minute erneut.
   *[other] Sie haben innerhalb einer Stunde 5 Einmalcodes ausgestellt. Versuchen Sie es in { $minutes } Minuten erneut.
 }
desk-issue-submit = Code ausstellen
desk-issue-cancel = Abbrechen
desk-issue-replaces = Es gibt einen offenen Code. Ein neuer ersetzt ihn.
desk-shown-title = Einmalcode für { $name }
desk-shown-valid = Gültig bis { $time } ({ $minutes } Minuten), für eine Anmeldung. Wenn Sie dies schließen, können Sie ihn nicht mehr sehen.
desk-shown-message-label = Nachricht für den Chat
desk-shown-message = Ihr Einmalcode ist { $code }. Wählen Sie im Code-Fenster „Andere Methode“, dann „Einmalcode“. Er gilt einmal, bis { $time }. Niemand wird Sie bitten, ihn zurückzusagen.
desk-shown-copy = Nachricht kopieren
desk-shown-done = Fertig
desk-shown-sent = Der Code wurde an { $email } gesendet. Er gilt bis { $time }.
desk-approvals-note = Was hier beantragt ist, muss eine zweite Person freigeben. Rufen Sie an, wenn etwas seltsam aussieht.
desk-approvals-none = Nichts wartet auf Freigabe.
desk-approvals-by = Beantragt von
desk-approvals-at = Beantragt
desk-approvals-check = Geprüft
desk-approvals-lapses = { $minutes ->
    [one] Verfällt in 1 Minute
   *[other] Verfällt in { $minutes } Minuten
 }
desk-approvals-own = Das ist Ihr eigener Antrag oder betrifft Ihr Konto. Jemand anderes muss entscheiden.
desk-approvals-approve = Freigeben
desk-approvals-decline = Ablehnen
desk-approvals-approved = Freigegeben und erledigt.
desk-approvals-declined = Abgelehnt. Nichts wurde geändert.
desk-approvals-gone = Dieser Antrag ist verfallen, oder jemand anderes hat entschieden.
desk-adopt-title = 2FA-Verbreitung
desk-adopt-csv = CSV herunterladen
desk-adopt-on-hint = { $n } von { $total } Personen
desk-adopt-grace-hint = können noch aufschieben
desk-adopt-due-hint = müssen einrichten, um sich anzumelden
desk-adopt-exempt-hint = jeweils bis zu einem festen Tag
desk-adopt-chart = Anteil der Personen mit aktiver Zwei-Faktor-Authentifizierung
desk-adopt-deadline = Letzte Frist, { $date }
desk-adopt-alt = Von { $a } % in der Woche vom { $date } auf { $b } % in der Woche vom { $date2 }.
desk-adopt-alt-one = { $b } % in der Woche vom { $date2 }.
desk-adopt-empty = Es gibt noch keine Wochenzahlen.
desk-adopt-numbers = Zahlen zeigen
desk-adopt-per-week = Anteil pro Woche
desk-adopt-week = Woche vom
desk-adopt-row = Aktiv, %
desk-adopt-groups = Nach Gruppe
desk-adopt-table = Tabelle der Gruppen
desk-adopt-th-group = Gruppe
desk-adopt-th-users = Personen
desk-trail-event = Ereignis
desk-trail-any = Alle
desk-trail-actor = Ausgeführt von
desk-trail-from = Von
desk-trail-to = Bis
desk-trail-dates-err = Geben Sie zwei Tage ein, den früheren zuerst
desk-trail-note = Das Protokoll kann gelesen, aber nicht geändert werden.
desk-trail-none = Nichts ist verzeichnet.
desk-trail-export = Exportieren (JSON Lines)
desk-trail-newest = Neueste
desk-trail-older = Ältere
desk-trail-whom = Konto
desk-trail-who = Durch
desk-trail-where = Von
desk-new-name = Name
desk-new-name-err = Geben Sie den Namen ein
desk-new-login = Benutzername
desk-new-login-empty = Geben Sie den Benutzernamen ein
desk-new-login-bad = Dieser Benutzername kann nicht verwendet werden
desk-new-login-taken = Es gibt schon ein Konto mit diesem Benutzernamen
desk-new-email = E-Mail-Adresse
desk-new-email-bad = Geben Sie eine ganze E-Mail-Adresse ein, zum Beispiel name@example.com
desk-new-email-empty = Für eine Einladung braucht es eine E-Mail-Adresse
desk-new-email-taken = Es gibt schon ein Konto mit dieser E-Mail-Adresse
desk-new-language-any = Die der Organisation
desk-new-start = Wie beginnt die Person?
desk-new-start-err = Wählen Sie, wie die Person beginnt
desk-new-invite = Mit einer Einladung per E-Mail
desk-new-invite-hint = Die Person wählt ein Passwort. Sie sehen es nicht.
desk-new-show = Mit einem Startpasswort, das mir einmal gezeigt wird
desk-new-show-hint = Es muss bei der ersten Anmeldung geändert werden.
desk-new-submit = Konto anlegen
desk-secret-title = Startpasswort für { $name }
desk-secret-until = Es gilt bis { $time } UTC.
desk-secret-note = Es muss bei der ersten Anmeldung geändert werden. Wenn Sie dies schließen, können Sie es nicht mehr sehen.
desk-import-title = Konten importieren
desk-import-label = Konten
desk-import-hint = Fügen Sie CSV mit Kopfzeile oder JSON Lines ein. Nichts wird angelegt, bevor Sie gesehen haben, was jede Zeile bewirkt.
desk-import-preview = Prüfen
desk-import-check = Noch ist nichts angelegt. Zeilen mit einem Problem und vorhandene Konten werden ausgelassen.
desk-import-submit = { $n ->
    [one] 1 Konto anlegen
   *[other] { $n } Konten anlegen
 }
desk-import-again = Neu beginnen
desk-import-more = Weitere importieren
desk-import-report = Was geschehen würde
desk-import-result = Was getan wurde
desk-import-lines = Bericht, Zeile für Zeile
desk-import-th-line = Zeile
desk-import-th-who = Konto
desk-import-th-what = Ergebnis
desk-import-new = { $n ->
    [one] 1 neu
   *[other] { $n } neu
 }
desk-import-created = { $n ->
    [one] 1 angelegt
   *[other] { $n } angelegt
 }
desk-import-exists = { $n ->
    [one] 1 vorhanden
   *[other] { $n } vorhanden
 }
desk-import-problems = { $n ->
    [one] 1 Problem
   *[other] { $n } Probleme
 }
desk-import-line-new = Neu
desk-import-line-created = Angelegt
desk-import-line-exists = Vorhanden
desk-import-line-problem = Problem
desk-forbidden-title = Ihre Rolle erlaubt das nicht
desk-forbidden-body = Sie sind angemeldet, aber dieser Teil der Konsole ist für eine andere Rolle. Wenn Sie ihn für Ihre Arbeit brauchen, fragen Sie die Person, die in Ihrer Organisation Zugänge verwaltet.
desk-new-role-err = Gruppen mit einer Rolle in dieser Konsole werden danach vergeben, mit einer zweiten Person
desk-import-err-line = Die Zeile kann nicht gelesen werden: { $name }
desk-import-err-login = Dieser Benutzername kann nicht verwendet werden
desk-import-err-email = Das ist keine E-Mail-Adresse
desk-import-err-group = Das kann keine Gruppe sein: { $name }
desk-import-err-twice = Steht schon in Zeile { $name }
desk-import-err-taken = Die E-Mail-Adresse gehört zu einem anderen Konto
desk-import-err-role = Die Gruppe { $name } gibt eine Rolle in dieser Konsole: danach vergeben, mit einer zweiten Person
desk-import-err-password = Passwörter werden nur auf der Befehlszeile importiert
desk-import-err-text = Das ist kein Text in UTF-8
desk-import-err-empty = Mindestens ein Konto einfügen
desk-import-err-many = Zu viele Zeilen: höchstens { $name } auf einmal
desk-import-err-large = Das ist zu groß: höchstens 1 MiB auf einmal
desk-import-err-stale = Gesendet wurde nicht, was geprüft wurde. Bitte erneut prüfen
desk-act-last-administrator = Es gäbe keinen Administrator mehr. Geben Sie zuerst jemand anderem die Rolle.
desk-act-no-mail = An diesen Benutzer kann nichts gesendet werden: Die Adresse fehlt oder wurde in den letzten 7 Tagen geändert, oder E-Mail ist nicht eingerichtet.
