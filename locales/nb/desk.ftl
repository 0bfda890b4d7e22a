desk-role-helpdesk = Brukerstøtte
desk-role-administrator = Administrator
desk-role-auditor = Revisor
desk-nav-users = Finn bruker
desk-nav-approvals = Godkjenninger
desk-nav-approvals-n = Godkjenninger ({ $n })
desk-nav-adoption = 2FA-utbredelse
desk-nav-audit = Hendelseslogg
desk-nav-new = Ny konto
desk-nav-import = Import
desk-nav-services = Tjenestene dine
desk-utc = Tidene er i UTC.
desk-find-title = Finn bruker
desk-find-label = Navn, e-postadresse eller brukernavn
desk-find-submit = Søk
desk-find-filter = Filtrer etter tofaktorstatus
desk-find-all = Alle { $n }
desk-find-on = På { $n }
desk-find-grace = Påminnes { $n }
desk-find-due = Over fristen { $n }
desk-find-exempt = Unntatt { $n }
desk-find-count = { $n ->
    [one] 1 bruker funnet
   *[other] { $n } brukere funnet
 }
desk-find-more-title = De første { $n }
desk-find-more = Det er flere enn 50. Begrens søket: legg til en del av navnet, eller søk på hele e-postadressen.
desk-find-none = Ingen brukere passer til «{ $query }». Sjekk stavemåten, eller søk på hele e-postadressen.
desk-find-nobody = Ingen står på denne listen.
desk-find-short = Skriv inn minst 3 tegn
desk-find-last = Siste innlogging:
desk-find-never = Har aldri logget inn
desk-find-disabled = Deaktivert
desk-find-audited = Hvert søk skrives i hendelsesloggen.
desk-state-on = På
desk-state-grace = { $days ->
    [one] Påminnes, 1 dag igjen
   *[other] Påminnes, { $days } dager igjen
 }
desk-state-reminding = Påminnes
desk-state-due = Over fristen
desk-state-exempt = Unntatt
desk-state-exempt-until = Unntatt til { $date }
desk-user-login = Brukernavn: { $login }
desk-user-on = Tofaktor på
desk-user-status = Status
desk-user-app = Autentiseringsapp
desk-user-enabled = Slått på
desk-user-last = Siste godtatte kode
desk-user-codes = Nødkoder
desk-user-codes-left = { $n } av { $total } igjen
desk-user-devices = Klarerte enheter
desk-user-sessions = Aktive økter
desk-user-signed-in = Siste innlogging
desk-user-never = Aldri
desk-user-pw = Passord endret
desk-user-otc = Åpen engangskode
desk-user-until = til
desk-user-paused = Koder satt på pause
desk-user-exempt-until = Unntatt til
desk-user-none = Ingen
desk-user-groups = Grupper
desk-user-disabled = Kontoen er deaktivert
desk-user-audit-all = Vis alt
desk-user-help = Hjelp denne brukeren
desk-user-help-note = Alt du gjør her, skrives i hendelsesloggen, og brukeren får beskjed på e-post.
desk-user-look = Rollen din kan se denne kontoen, men ikke endre noe.
desk-user-account = Konto
desk-user-issue = Utsted engangskode
desk-user-out = Logg ut overalt
desk-user-untrust = Fjern klarerte enheter
desk-user-reset = Tilbakestill autentiseringsappen
desk-user-reset-note = En tilbakestilling må godkjennes av en annen saksbehandler.
desk-user-exempt = Unnta fra fristen
desk-user-unlock = Lås opp
desk-user-password-reset = Start tilbakestilling av passord
desk-user-groups-change = Endre grupper
desk-user-disable = Deaktiver kontoen
desk-user-enable = Aktiver kontoen
desk-user-delete = Slett kontoen
desk-user-keep = Behold kontoen
desk-user-two-agents = Denne kontoen har en rolle i denne konsollen. Alt som gjøres med den, må godkjennes av en annen saksbehandler.
desk-user-self = Du kan ikke utstede en kode eller en tilbakestilling for din egen konto.
desk-user-higher = Denne kontoen har en høyere rolle enn deg. En administrator kan hjelpe.
desk-user-contact = Kontaktopplysningene til kontoen ble endret { $date }. I 7 dager sendes det ikke noe hemmelig dit: sjekk nøye hvem som spør.
desk-user-deletion = Kontoen slettes { $date }.
desk-user-out-done = { $name } er logget ut overalt.
desk-user-out-count = { $n ->
    [one] 1 økt ble avsluttet.
   *[other] { $n } økter ble avsluttet.
 }
desk-user-untrust-done = { $n ->
    [one] 1 klarert enhet er fjernet.
   *[other] { $n } klarerte enheter er fjernet.
 }
desk-user-reset-wait = { $minutes ->
    [one] Tilbakestillingen venter på en annen saksbehandler. Den utløper om 1 minutt.
   *[other] Tilbakestillingen venter på en annen saksbehandler. Den utløper om { $minutes } minutter.
 }
desk-user-wait = { $minutes ->
    [one] Det venter på en annen saksbehandler. Det utløper om 1 minutt.
   *[other] Det venter på en annen saksbehandler. Det utløper om { $minutes } minutter.
 }
desk-user-reset-done = Autentiseringsappen er tilbakestilt.
desk-user-exempted = Unntatt fra fristen til { $date }.
desk-user-unlocked = Alle pauser er fjernet. Brukeren kan prøve igjen med en gang.
desk-user-disabled-done = Kontoen er deaktivert, og alle øktene er avsluttet.
desk-user-enabled-done = Kontoen er aktivert.
desk-user-groups-done = Gruppene er endret.
desk-user-deletion-done = Kontoen er stengt og slettes { $date }. Fram til da kan den beholdes.
desk-user-kept = Kontoen blir ikke slettet.
desk-user-reset-sent = En lenke for å velge nytt passord er sendt til { $email }.
desk-user-created = Kontoen er opprettet.
desk-user-invited = Kontoen er opprettet, og en invitasjon er sendt til { $email }.
desk-off-authenticator = Ingen autentiseringsapp er satt opp.
desk-off-devices = Det er ingen klarerte enheter.
desk-off-sessions = Det er ingen aktive økter.
desk-off-paused = Ingenting er satt på pause.
desk-off-email = Kontoen har ingen e-postadresse.
desk-off-contact = Kontaktopplysningene er endret de siste 7 dagene.
desk-off-mail = E-post er ikke satt opp.
desk-off-waiting = Venter på en annen saksbehandler.
desk-act-for = For
desk-act-issue = Den erstatter koden fra appen ved én innlogging. Brukeren trenger fortsatt passordet.
desk-act-out = Alle økter avsluttes med en gang, på alle enheter. Klarerte enheter forblir klarerte.
desk-act-untrust = Alle enheter blir bedt om kode ved neste innlogging.
desk-act-reset = Autentiseringsappen, nødkodene og de klarerte enhetene fjernes, og alle økter avsluttes. Brukeren setter opp en ny app ved neste innlogging.
desk-act-exempt = Fram til den dagen kan brukeren logge inn uten å slå på tofaktorautentisering, selv om reglene krever det.
desk-act-unlock = Pauser etter feil passord og koder fjernes. Passord og koder forblir som de er.
desk-act-password-reset = Brukeren får en lenke på e-post og velger et nytt passord. Du ser det ikke, og tofaktorautentiseringen forblir på.
desk-act-groups = Gruppene avgjør hvilke tjenester brukeren kan åpne. Endringen gjelder med en gang.
desk-act-disable = Brukeren kan ikke logge inn lenger, og alle økter avsluttes med en gang. Ingenting slettes.
desk-act-enable = Brukeren kan logge inn igjen, med passordet og autentiseringsappen fra før.
desk-act-delete = { $days ->
    [one] Kontoen stenges med en gang og slettes etter 1 dag. Fram til da kan den beholdes.
   *[other] Kontoen stenges med en gang og slettes etter { $days } dager. Fram til da kan den beholdes.
 }
desk-act-keep = Den planlagte slettingen trekkes tilbake.
desk-act-second = Dette gjelder når en annen saksbehandler har godkjent det.
desk-act-until = Siste dag for unntaket
desk-act-until-empty = Skriv inn siste dag for unntaket
desk-act-until-err = { $days ->
    [one] Velg i morgen
   *[other] Velg en dag fra og med i morgen, høyst { $days } dager fram
 }
desk-groups-hint = Skilt med komma
desk-groups-err = Et gruppenavn har bokstaver, sifre, punktum, bindestrek og understrek
desk-issue-title = Utsted engangskode
desk-issue-page = Utsted engangskode for { $name }
desk-issue-check = Hvordan sjekket du at det er brukeren?
desk-issue-check-callback = Ringte tilbake til det registrerte nummeret
desk-issue-check-manager = Leder bekreftet
desk-issue-check-id = Så legitimasjon, personlig eller på video
desk-issue-check-err = Velg hvordan du sjekket at det er brukeren
desk-issue-send = Hvordan får brukeren koden?
desk-issue-send-email = Send den til { $email }
desk-issue-send-mail = Send den på e-post
desk-issue-send-email-hint = Du ser ikke koden.
desk-issue-send-show = Vis den til meg én gang, for chat eller telefon
desk-issue-send-err = Velg hvordan brukeren får koden
desk-issue-case = Saksnummer
desk-issue-case-err = Skriv inn saksnummeret
desk-issue-quota = { $minutes ->
    [one] Du har utstedt 5 engangskoder innen en time. Prøv igjen om 1 minutt.
   *[other] Du har utstedt 5 engangskoder innen en time. Prøv igjen om { $minutes } minutter.
 }
desk-issue-submit = Utsted kode
desk-issue-cancel = Avbryt
desk-issue-replaces = Brukeren har en åpen kode. En ny erstatter den.
desk-shown-title = Engangskode for { $name }
desk-shown-valid = Gyldig til { $time } ({ $minutes } minutter), for én innlogging. Når du lukker dette, kan du ikke se den igjen.
desk-shown-message-label = Melding til chatten
desk-shown-message = Engangskoden din er { $code }. Velg «Annen metode» i kodevinduet, deretter «Engangskode». Den virker én gang, til { $time }. Ingen kommer til å be deg si den tilbake.
desk-shown-copy = Kopier meldingen
desk-shown-done = Ferdig
desk-shown-sent = Koden er sendt til { $email }. Den er gyldig til { $time }.
desk-approvals-note = Det en saksbehandler ber om her, må en annen godkjenne. Ring saksbehandleren hvis noe virker rart.
desk-approvals-none = Ingenting venter på godkjenning.
desk-approvals-by = Bedt om av
desk-approvals-at = Bedt om
desk-approvals-check = Sjekket
desk-approvals-lapses = { $minutes ->
    [one] Utløper om 1 minutt
   *[other] Utløper om { $minutes } minutter
 }
desk-approvals-own = Dette er din egen forespørsel, eller gjelder din konto. Noen andre må avgjøre den.
desk-approvals-approve = Godkjenn
desk-approvals-decline = Avslå
desk-approvals-approved = Godkjent og utført.
desk-approvals-declined = Avslått. Ingenting ble endret.
desk-approvals-gone = Forespørselen har utløpt, eller noen andre har avgjort den.
desk-adopt-title = 2FA-utbredelse
desk-adopt-csv = Last ned CSV
desk-adopt-on-hint = { $n } av { $total } brukere
desk-adopt-grace-hint = kan fortsatt utsette
desk-adopt-due-hint = må slå på for å logge inn
desk-adopt-exempt-hint = hver til en bestemt dag
desk-adopt-chart = Andel brukere med tofaktor på
desk-adopt-deadline = Siste frist, { $date }
desk-adopt-alt = Fra { $a } % i uken { $date } til { $b } % i uken { $date2 }.
desk-adopt-alt-one = { $b } % i uken { $date2 }.
desk-adopt-empty = Det finnes ingen ukestall ennå.
desk-adopt-numbers = Vis tallene
desk-adopt-per-week = Andel per uke
desk-adopt-week = Uke fra
desk-adopt-row = På, %
desk-adopt-groups = Per gruppe
desk-adopt-table = Tabell over grupper
desk-adopt-th-group = Gruppe
desk-adopt-th-users = Brukere
desk-trail-event = Hendelse
desk-trail-any = Alle
desk-trail-actor = Utført av
desk-trail-from = Fra
desk-trail-to = Til
desk-trail-dates-err = Skriv inn to dager, den tidligste først
desk-trail-note = Loggen kan leses, men ikke endres.
desk-trail-none = Ingenting er registrert.
desk-trail-export = Eksporter (JSON Lines)
desk-trail-newest = Nyeste
desk-trail-older = Eldre
desk-trail-whom = Konto
desk-trail-who = Utført av
desk-trail-where = Fra
desk-new-name = Navn
desk-new-name-err = Skriv inn navnet
desk-new-login = Brukernavn
desk-new-login-empty = Skriv inn brukernavnet
desk-new-login-bad = Dette brukernavnet kan ikke brukes
desk-new-login-taken = Det finnes en konto med dette brukernavnet
desk-new-email = E-postadresse
desk-new-email-bad = Skriv inn en hel e-postadresse, for eksempel navn@example.com
desk-new-email-empty = En invitasjon krever en e-postadresse
desk-new-email-taken = Det finnes en konto med denne e-postadressen
desk-new-language-any = Organisasjonens
desk-new-start = Hvordan begynner brukeren?
desk-new-start-err = Velg hvordan brukeren begynner
desk-new-invite = Med en invitasjon på e-post
desk-new-invite-hint = Brukeren velger et passord. Du ser det ikke.
desk-new-show = Med et startpassord som vises for meg én gang
desk-new-show-hint = Brukeren må endre det ved første innlogging.
desk-new-submit = Opprett konto
desk-secret-title = Startpassord for { $name }
desk-secret-until = Det virker til { $time } UTC.
desk-secret-note = Brukeren må endre det ved første innlogging. Når du lukker dette, kan du ikke se det igjen.
desk-import-title = Importer kontoer
desk-import-label = Kontoer
desk-import-hint = Lim inn CSV med overskriftslinje, eller JSON Lines. Ingenting opprettes før du har sett hva hver linje ville gjort.
desk-import-preview = Kontroller
desk-import-check = Ingenting er opprettet ennå. Linjer med problemer og kontoer som finnes, utelates.
desk-import-submit = { $n ->
    [one] Opprett 1 konto
   *[other] Opprett { $n } kontoer
 }
desk-import-again = Begynn på nytt
desk-import-more = Importer flere
desk-import-report = Hva som ville skje
desk-import-result = Hva som ble gjort
desk-import-lines = Rapport, linje for linje
desk-import-th-line = Linje
desk-import-th-who = Konto
desk-import-th-what = Resultat
desk-import-new = { $n ->
    [one] 1 ny
   *[other] { $n } nye
 }
desk-import-created = { $n ->
    [one] 1 opprettet
   *[other] { $n } opprettet
 }
desk-import-exists = { $n ->
    [one] 1 finnes fra før
   *[other] { $n } finnes fra før
 }
desk-import-problems = { $n ->
    [one] 1 problem
   *[other] { $n } problemer
 }
desk-import-line-new = Ny
desk-import-line-created = Opprettet
desk-import-line-exists = Finnes fra før
desk-import-line-problem = Problem
desk-forbidden-title = Rollen din tillater ikke dette
desk-forbidden-body = Du er logget inn, men denne delen av konsollen er for en annen rolle. Trenger du den i jobben, spør den som styrer tilganger i organisasjonen din.
desk-new-role-err = Grupper som gir en rolle i konsollen, gis etterpå, sammen med en annen saksbehandler
desk-import-err-line = Linjen kan ikke leses: { $name }
desk-import-err-login = Dette brukernavnet kan ikke brukes
desk-import-err-email = Dette er ingen e-postadresse
desk-import-err-group = Dette kan ikke være en gruppe: { $name }
desk-import-err-twice = Står allerede på linje { $name }
desk-import-err-taken = E-postadressen tilhører en annen konto
desk-import-err-role = Gruppen { $name } gir en rolle i konsollen: gi den etterpå, sammen med en annen saksbehandler
desk-import-err-password = Passord importeres bare på kommandolinjen
desk-import-err-text = Dette er ikke tekst i UTF-8
desk-import-err-empty = Lim inn minst én konto
desk-import-err-many = For mange linjer: høyst { $name } om gangen
desk-import-err-large = Dette er for stort: høyst 1 MiB om gangen
desk-import-err-stale = Det som ble sendt, er ikke det som ble kontrollert. Kontroller på nytt
desk-act-last-administrator = Det ville ikke være noen administrator igjen. Gi rollen til noen andre først.
desk-act-no-mail = Ingenting kan sendes på e-post til denne brukeren: adressen mangler eller ble endret de siste 7 dagene, eller e-post er ikke satt opp.
